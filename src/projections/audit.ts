import { z } from 'zod';
import { canonicalJson, Digest, digestOf } from '../domain/canonical.ts';
import { hashHolds, type NewEvent } from '../domain/event.ts';

export const AUDIT_VERSION = '2.0';

/** Streams whose events are audited: everything that says who asked, allowed and did what, and what was brought in from elsewhere. */
export const AUDITED_STREAMS = ['task-', 'person-', 'chat-', 'history-'] as const;

/** One event as the audit holds it: as it is stored, never brought to a later shape. */
export const AuditLine = z.strictObject({
  auditVersion: z.literal(AUDIT_VERSION),
  /** From 1, without gaps. */
  sequence: z.int().min(1),
  stream: z.string(),
  revision: z.int().min(0),
  id: z.string(),
  type: z.string(),
  data: z.unknown(),
  /** All but `hash`, which stands beside it. */
  metadata: z.record(z.string(), z.string()),
  /** The event's own. Erasing a text leaves it alone. */
  hash: z.string(),
  /** Over `sequence`, `hash` and the `lineHash` of the line before. */
  lineHash: Digest,
});
export type AuditLine = z.infer<typeof AuditLine>;

/** The end of an audit. Kept elsewhere, it proves later that nothing was cut off or rewritten before it. */
export interface AuditHead {
  readonly sequence: number;
  readonly lineHash: string;
}

export const NO_LINES: AuditHead = { sequence: 0, lineHash: '' };

type AuditedEvent = NewEvent & { readonly stream: string; readonly revision: number };

const lineHash = (sequence: number, hash: string, before: string): Digest => digestOf({ sequence, hash, before });

const lineOf = (
  { stream, revision, id, type, data, metadata: { hash = '', ...metadata } }: AuditedEvent,
  before: AuditHead,
): { readonly text: string; readonly head: AuditHead } => {
  const sequence = before.sequence + 1;
  const head = { sequence, lineHash: lineHash(sequence, hash, before.lineHash) };
  const line: AuditLine = { auditVersion: AUDIT_VERSION, stream, revision, id, type, data, metadata, hash, ...head };
  return { text: canonicalJson(line), head };
};

/**
 * The line that follows `before`, as canonical JSON without a line end. The same events in the same order give the same bytes. What others
 * appended may have no canonical form: it gets a line all the same, with the hash they claim and without what else they wrote.
 */
export const auditLine: typeof lineOf = (event, before) => {
  try {
    return lineOf(event, before);
  } catch {
    const { hash = '' } = event.metadata;
    return lineOf({ ...event, data: null, metadata: { hash: hash.toWellFormed() } }, before);
  }
};

/** The audit is not what the service wrote. The message says where. */
export class AuditFault extends Error {
  override readonly name = 'AuditFault';
  /** 1 for the first. */
  readonly line: number;
  constructor(line: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.line = line;
  }
}

/** Parses one line. Throws `AuditFault`: a line that cannot be read is never passed over. */
export const readAuditLine = (text: string, line: number): AuditLine => {
  try {
    return AuditLine.parse(JSON.parse(text));
  } catch (error) {
    throw new AuditFault(line, `Line ${line} is no line of an audit, or was cut short.`, { cause: error });
  }
};

const fault = (line: number, what: string): AuditFault => new AuditFault(line, `Line ${line} ${what}`);

const isCanonical = (line: AuditLine, text: string): boolean => {
  try {
    return canonicalJson(line) === text;
  } catch {
    return false;
  }
};

/** What is wrong with an event, given the revision and the hash before it in its stream; `undefined` when it holds. */
const strangeness = ({ hash, ...line }: AuditLine, before: { readonly revision: number; readonly hash: string }) => {
  if (hash === '') return 'was written by somebody else: it has no hash.';
  if (!hashHolds({ ...line, metadata: { ...line.metadata, hash } }))
    return 'was changed, or written by somebody else: its hash is another.';
  if (line.revision !== before.revision + 1 || line.metadata.prevHash !== before.hash)
    return 'does not follow from the event before it in its stream.';
  return undefined;
};

/** What is wrong with a line. */
interface AuditFinding {
  readonly line: number;
  readonly sentence: string;
}

/** The lines from the first on, as far as they follow from each other. Of every stream it remembers the last hash. */
const followChain = () => {
  const streams = new Map<string, { revision: number; hash: string }>();
  let head = NO_LINES;

  return {
    head: (): AuditHead => head,
    /** Takes the next line in. Throws `AuditFault` when it is not the next one. Gives what is wrong with its event: the chain goes on all the same. */
    add(text: string): AuditFinding | undefined {
      const number = head.sequence + 1;
      const line = readAuditLine(text, number);
      const { stream, revision, sequence, hash } = line;
      if (!isCanonical(line, text)) throw fault(number, 'is not written as the service writes it.');
      if (sequence !== number) throw fault(number, `has the number ${sequence}: lines are missing, moved or repeated.`);
      if (line.lineHash !== lineHash(sequence, hash, head.lineHash)) throw fault(number, 'does not follow from the line before.');
      const strange = strangeness(line, streams.get(stream) ?? { revision: -1, hash: '' });
      streams.set(stream, { revision, hash });
      head = { sequence, lineHash: line.lineHash };
      return strange && { line: number, sentence: `Line ${number} (${stream}, revision ${revision}) ${strange}` };
    },
  };
};

/** Most faults of events that are told one by one. */
export const FAULTS_MAX = 20;

/** `lines` are one chain from the first on, up to `head`. */
export type AuditVerdict =
  | { readonly valid: true; readonly lines: number; readonly head: AuditHead }
  | {
      readonly valid: false;
      readonly lines: number;
      readonly head: AuditHead;
      /** Of these lines, those whose events are not what the service wrote: the first `FAULTS_MAX`, and how many there are. */
      readonly faults: readonly AuditFinding[];
      readonly faultCount: number;
      /** Where the chain breaks: nothing from there on is proven. `null`: it reaches to the end. */
      readonly brokenAt: AuditFinding | null;
    };

/**
 * Recomputes every hash and link. `expected` is a head that was noted earlier, perhaps many lines ago: without one, lines missing at the end
 * cannot be noticed, and neither can an audit that was rewritten as a whole.
 */
export const verifyAudit = async (
  lines: AsyncIterable<string> | Iterable<string>,
  expected: AuditHead = NO_LINES,
): Promise<AuditVerdict> => {
  const chain = followChain();
  const faults: AuditFinding[] = [];
  let faultCount = 0;
  let brokenAt: AuditFinding | null = null;
  try {
    for await (const text of lines) {
      const found = chain.add(text);
      if (found && ++faultCount <= FAULTS_MAX) faults.push(found);
      const head = chain.head();
      if (head.sequence === expected.sequence && head.lineHash !== expected.lineHash)
        throw fault(head.sequence, 'is not the one that was noted: the audit was rewritten.');
    }
    const { sequence } = chain.head();
    if (sequence < expected.sequence)
      throw fault(
        sequence + 1,
        `and all after it are missing: the audit had ${expected.sequence} lines when its head was noted.`,
      );
  } catch (error) {
    if (!(error instanceof AuditFault)) throw error;
    brokenAt = { line: error.line, sentence: error.message };
  }
  const proven = { lines: chain.head().sequence, head: chain.head() };
  return faultCount === 0 && brokenAt === null
    ? { valid: true, ...proven }
    : { valid: false, ...proven, faults, faultCount, brokenAt };
};

export interface AuditFilter {
  /** The id of a task, or the beginning of it. */
  readonly task?: string;
  /** A person id, or `system:<worker>`. */
  readonly actor?: string;
  readonly type?: string;
  /** Inclusive, ISO 8601 in UTC. */
  readonly since?: string;
  /** Exclusive. */
  readonly until?: string;
}

/** Whether a filter lets a line through. */
export const auditMatches = (line: AuditLine, { task, actor, type, since, until }: AuditFilter): boolean => {
  const at = line.metadata.at ?? '';
  return (
    (task === undefined || line.stream.startsWith(`task-${task}`)) &&
    (actor === undefined || line.metadata.actor === actor) &&
    (type === undefined || line.type === type) &&
    (since === undefined || at >= since) &&
    (until === undefined || at < until)
  );
};
