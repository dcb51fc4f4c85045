import { Api, GrammyError } from 'grammy';

/** Where Telegram's own servers are; an operator may run one. */
export const TELEGRAM_API_ROOT = 'https://api.telegram.org';

export interface ApiAccess {
  readonly token: string;
  /** Without a slash at its end. */
  readonly apiRoot: string;
  /** Longest a call may take, in milliseconds; more than the wait of a long poll. */
  readonly timeoutMs: number;
  /** Ends every call that has no signal of its own. */
  readonly signal?: AbortSignal;
  /** Asked right before each call. No: another process may be the one that speaks to Telegram by now, so nothing is said. */
  readonly mayCall?: (() => boolean) | undefined;
}

/** This process could not prove in time that it is the one that speaks to Telegram. */
class OffDuty extends Error {}

/** Telegram's methods with their types. What it throws holds the token: it is judged by `verdictOf` and goes nowhere else. */
export const createTelegramApi = ({ token, apiRoot, timeoutMs, signal, mayCall = () => true }: ApiAccess): Api => {
  const api = new Api(token, { apiRoot: apiRoot.replace(/\/+$/, ''), timeoutSeconds: timeoutMs / 1_000, sensitiveLogs: false });
  const stop = signal as Parameters<Api['getMe']>[0]; // grammY names a polyfill's type; Node's own signal is what it calls for.
  api.config.use(async (previous, method, payload, own) => {
    if (!mayCall()) throw new OffDuty();
    return previous(method, payload, own ?? stop);
  });
  return api;
};

/** What a failed call means, told apart by what to do next. */
export type Verdict =
  /** Too fast: not before this many milliseconds. */
  | { readonly is: 'too_fast'; readonly waitMs: number }
  /** No answer, an answer of something else, 5xx: whether it was done is unknown. */
  | { readonly is: 'away' }
  /** Not even asked: the turn of this process is over. */
  | { readonly is: 'off_duty' }
  /** Telegram does not know this token (any more). */
  | { readonly is: 'token_refused' }
  /** Another process polls with this token, or a webhook is set. */
  | { readonly is: 'taken' }
  | { readonly is: 'migrated'; readonly to: string }
  /** By the person, or the bot may not write there. */
  | { readonly is: 'blocked' }
  | { readonly is: 'chat_gone' }
  | { readonly is: 'thread_gone' }
  | { readonly is: 'message_gone' }
  | { readonly is: 'unchanged' }
  /** The text, its markup or its buttons: it may be taken in a plainer form. */
  | { readonly is: 'malformed' }
  | { readonly is: 'refused' };

/** Telegram tells these apart by words only. */
const BY_WORDS: readonly (readonly [RegExp, Exclude<Verdict['is'], 'too_fast' | 'migrated'>])[] = [
  [/message is not modified/i, 'unchanged'],
  [/message to edit not found|message can't be edited|message_id_invalid|message identifier is not specified/i, 'message_gone'],
  [/message thread not found|topic_(?:closed|deleted|id_invalid)/i, 'thread_gone'],
  [/can't parse|too[ _]long|unsupported start tag|entit(?:y|ies)|button|reply[ _]markup|url/i, 'malformed'],
  [/chat not found|peer_id_invalid|user not found|chat_id is empty|group chat was (?:deleted|deactivated)/i, 'chat_gone'],
  [/not enough rights|no rights|need administrator rights|write_forbidden|chat_restricted|user_is_blocked|send_/i, 'blocked'],
];

/** Waited when Telegram says "too fast" without saying for how long, in milliseconds. */
const TOO_FAST_MS = 5_000;

/** What Telegram's answer, or the lack of one, means. Holds nothing of the error's own words. */
export const verdictOf = (error: unknown): Verdict => {
  if (error instanceof OffDuty) return { is: 'off_duty' };
  if (!(error instanceof GrammyError)) return { is: 'away' };
  const { error_code: status, description, parameters } = error;
  if (parameters.migrate_to_chat_id !== undefined) return { is: 'migrated', to: String(parameters.migrate_to_chat_id) };
  switch (status) {
    case 400:
      return { is: BY_WORDS.find(([words]) => words.test(description))?.[1] ?? 'refused' };
    case 401:
    case 404:
      return { is: 'token_refused' };
    case 403:
      return { is: 'blocked' };
    case 409:
      return { is: 'taken' };
    case 413:
      return { is: 'malformed' };
    case 429:
      return {
        is: 'too_fast',
        waitMs: parameters.retry_after === undefined ? TOO_FAST_MS : Math.max(1, parameters.retry_after) * 1_000,
      };
    default:
      return { is: 'away' };
  }
};
