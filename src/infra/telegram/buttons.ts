import { parse, stringify } from 'uuid';

/**
 * Answers to the question of a gate: they carry the event that asked, so an old button answers nothing but that question. `reason` asks why
 * before it is rejected, with a button for those who have none.
 */
const GATE_VERBS = ['approve', 'reject', 'reason', 'ask', 'details'] as const;
/** About an attempt of a task. `stop` is the second press of `cancel`. */
const ATTEMPT_VERBS = ['retry', 'rerun', 'feedback', 'clarify', 'cancel', 'stop', 'diff', 'logs', 'show'] as const;

export type GateVerb = (typeof GATE_VERBS)[number];
export type AttemptVerb = (typeof ATTEMPT_VERBS)[number];

/** What a button under a message about a task says when it is pressed. */
export type ButtonPress =
  | { readonly verb: GateVerb; readonly taskId: string; readonly approvalId: string }
  | { readonly verb: AttemptVerb; readonly taskId: string; readonly attempt: number };

const gateVerbs: ReadonlySet<string> = new Set(GATE_VERBS);
const attemptVerbs: ReadonlySet<string> = new Set(ATTEMPT_VERBS);
const isGateVerb = (verb: string): verb is GateVerb => gateVerbs.has(verb);
const isAttemptVerb = (verb: string): verb is AttemptVerb => attemptVerbs.has(verb);

/** 16 bytes are 22 characters of base64url. */
const packed = (id: string): string => Buffer.from(parse(id)).toString('base64url');

const unpacked = (text: string): string | undefined => {
  const bytes = Buffer.from(text, 'base64url');
  // One id has one spelling: the spare bits of the last character are no second one.
  if (bytes.length !== 16 || bytes.toString('base64url') !== text) return undefined;
  try {
    return stringify(bytes);
  } catch {
    return undefined;
  }
};

/** At most 64 bytes, which is all that Telegram carries. */
export const dataOf = (press: ButtonPress): string =>
  [press.verb, packed(press.taskId), 'approvalId' in press ? packed(press.approvalId) : press.attempt].join('.');

/** Anyone can send anything as the data of a button: what `dataOf` did not make is `undefined`. */
export const readData = (data: string): ButtonPress | undefined => {
  const [, verb = '', task = '', about = ''] = /^([a-z]{1,9})\.([\w-]{22})\.([\w-]{1,22})$/.exec(data) ?? [];
  const taskId = unpacked(task);
  if (taskId === undefined) return undefined;
  if (isAttemptVerb(verb)) return /^[1-9]\d{0,5}$/.test(about) ? { verb, taskId, attempt: Number(about) } : undefined;
  const approvalId = isGateVerb(verb) ? unpacked(about) : undefined;
  return isGateVerb(verb) && approvalId !== undefined ? { verb, taskId, approvalId } : undefined;
};
