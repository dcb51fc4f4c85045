import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Chats } from '../../commands/chats.ts';
import type { Dispatch } from '../../commands/dispatch.ts';
import type { Door } from '../../commands/door.ts';
import type { Erasure } from '../../commands/erasure.ts';
import type { HistoryErasure } from '../../commands/history-erasure.ts';
import type { Identities } from '../../commands/identities.ts';
import type { People } from '../../commands/people.ts';
import type { Artifacts } from '../../commands/ports/artifacts.ts';
import type { Clock } from '../../commands/ports/clock.ts';
import type { RunnerLog } from '../../commands/ports/log.ts';
import type { Redaction } from '../../commands/redaction.ts';
import type { EventStore } from '../../domain/event-store.ts';
import type { Backups } from '../backup/make.ts';
import type { Views } from '../views/views.ts';
import type { Variables } from './authentication.ts';
import type { TelegramWebhook } from './telegram-route.ts';

/** One line of what a running stage does, for whoever watches now. Never stored. */
export interface ProgressFeed {
  listen(listener: (stream: string, line: string) => void): () => void;
}

export interface HealthReport {
  readonly status: 'ok' | 'degraded';
  readonly components: readonly { readonly name: string; readonly status: 'pass' | 'warn' | 'fail'; readonly sentence: string }[];
  readonly [more: string]: unknown;
}

/** What was found when a repository was added. */
export interface AddedRepository {
  readonly name: string;
  /** Both directions, really tried. */
  readonly checks: readonly { readonly direction: 'fetch' | 'push'; readonly ok: boolean; readonly sentence: string }[];
  /** Whether it says at its base how it is tested. */
  readonly hasConfiguration: boolean;
  /** What its `.countersign.yml` could say, by what lies in it; `null` when it has one, or nothing was recognised. */
  readonly proposal: { readonly text: string; readonly sentences: readonly string[] } | null;
  /** What is still to be done on other machines; `null` when nothing is. */
  readonly elsewhere: string | null;
}

export interface RepositoryAdmin {
  list(): Promise<readonly { readonly name: string; readonly remote: string }[]>;
  /** Throws `RepositoryProblem`, which says what to do. */
  add(url: string, name: string | undefined): Promise<AddedRepository>;
  remove(name: string): Promise<void>;
}

/** What the API stands on; `src/main.ts` hands it in. */
export interface ApiOptions {
  readonly door: Door;
  readonly dispatch: Dispatch;
  readonly people: People;
  /** `null`: this log cannot erase. */
  readonly redaction: Redaction | null;
  readonly erasure: Erasure | null;
  readonly historyErasure: HistoryErasure | null;
  readonly identities: Identities;
  readonly chats: Chats;
  /** Of the Telegram bot, without the `@`; `null` while none is known. */
  readonly botName: () => string | null;
  /** `null`: updates do not come over HTTP. */
  readonly telegram: TelegramWebhook | null;
  readonly store: EventStore;
  readonly views: Pick<Views, 'queries' | 'waitFor' | 'onChange' | 'rebuild' | 'resume' | 'status'>;
  readonly artifacts: Artifacts;
  readonly auditFile: string;
  readonly repositories: RepositoryAdmin;
  readonly progress: ProgressFeed;
  /** Of this process: the lines of stages that another one claimed are not heard here. */
  readonly worker: string;
  readonly backups: Backups;
  readonly health: () => Promise<HealthReport>;
  readonly isReady: () => boolean;
  readonly clock: Clock;
  readonly log: RunnerLog;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
}

/** What the server hands in with a request; nothing where there is none. */
export interface Bindings {
  /** Ends the connection in the middle of the answer. */
  readonly cutOff?: () => void;
  /** Says whose the request is: what waits for its reader counts as theirs, wherever they read it. */
  readonly isOf?: (personId: string) => void;
}

export type Api = OpenAPIHono<{ Variables: Variables }>;
