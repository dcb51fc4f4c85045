import type { Chats } from '../../commands/chats.ts';
import type { Door, Session } from '../../commands/door.ts';
import type { Identities } from '../../commands/identities.ts';
import type { Artifacts } from '../../commands/ports/artifacts.ts';
import type { Clock } from '../../commands/ports/clock.ts';
import type { Person } from '../../domain/person/index.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { HealthReport } from '../http/context.ts';
import type { Herald } from './herald.ts';
import type { Html } from './html.ts';
import type { Outbox, Outgoing } from './outbox.ts';
import type { Reading } from './reading.ts';
import type { Room, Sender } from './update.ts';

export interface Bot {
  readonly id: string;
  /** Without the `@`, in lower case. */
  readonly username: string;
}

/** What the answers to people stand on. */
export interface Desk {
  readonly bot: Bot;
  readonly door: Door;
  readonly identities: Identities;
  readonly chats: Chats;
  readonly cards: Pick<Herald, 'want'>;
  readonly reading: Reading;
  readonly artifacts: Artifacts;
  readonly outbox: Pick<Outbox, 'send' | 'edit' | 'answerPress' | 'migrate'>;
  /** What a task looks like now, with what can be pressed; a text that is too long for it comes first, as a file. */
  readonly page: (task: TaskView) => Promise<readonly Words[]>;
  /** Everything an approval of the task covers. */
  readonly details: (task: TaskView) => Html;
  /** The person can be written to again. */
  readonly reachable: (chat: string) => void;
  /** The menu of a group that was allowed just now. */
  readonly groupAllowed: (chat: string) => void;
  readonly health: () => Promise<HealthReport>;
  readonly clock: Clock;
}

export type Words = Omit<Outgoing, 'place' | 'priority' | 'replyTo'>;

/** Somebody known, in a chat where they are answered. */
export interface Visit {
  readonly room: Room;
  readonly from: Sender;
  readonly person: Person;
  readonly session: Session;
  /** Makes what this update asks for the same thing when it comes again. */
  readonly key: string;
  /** The message that was written, or whose button was pressed. */
  readonly messageId: number;
  /** Handed to the outbox; nobody waits for Telegram. */
  say(words: Words): void;
}
