import type { TaskEvent } from '../domain/task/events.ts';
import { taskKind } from '../domain/task/index.ts';
import { textOf } from '../domain/text.ts';
import { happened, UnreadableEvent } from '../domain/upcasters.ts';
import type { AuditLine } from './audit.ts';

/** A line of the audit of OkayDokki, version 1.0 (docs/migration-okaydokki.md). */
export interface OkayDokkiLine {
  readonly auditVersion: '1.0';
  readonly timestamp: string;
  readonly taskId: string;
  readonly triggerUser: string;
  readonly eventType: 'REQUEST' | 'RETRY' | 'APPROVE' | 'REJECT' | 'RUN' | 'PR_CREATED' | 'FAILED';
  readonly diffHash?: string;
  readonly errorCode?: string;
  readonly agentLogs?: readonly string[];
  readonly approvalDecision?: 'APPROVE' | 'REJECT';
  readonly testsResult?: string;
  readonly prLink?: string;
  readonly message?: string;
}

/** What later lines of a task repeat. */
interface Known {
  readonly triggerUser: string;
  readonly diffHash?: string;
}

type Own = Omit<OkayDokkiLine, 'auditVersion' | 'timestamp' | 'taskId' | 'triggerUser'>;

/** What an event is there; `undefined` for what that audit does not know. */
const ownFields = (event: TaskEvent, actor: string, { diffHash }: Known): Own | undefined => {
  switch (event.type) {
    case 'TaskCreated':
      return { eventType: 'REQUEST', message: textOf(event.data.intent) };
    case 'RequestClarified':
      return { eventType: 'RETRY', message: `Clarified by ${actor}` };
    case 'RetryRequested':
      return { eventType: 'RETRY', message: `Retried by ${actor}` };
    case 'RerunRequested':
      return { eventType: 'RETRY', message: `Attempt ${event.data.attempt} asked for by ${actor}` };
    case 'TaskApproved':
    case 'PatchApproved':
      return { eventType: 'APPROVE', approvalDecision: 'APPROVE', message: `Approved by ${actor}` };
    case 'TaskRejected':
      return { eventType: 'REJECT', approvalDecision: 'REJECT', message: `Rejected by ${actor}` };
    case 'ChangeCollected':
      return event.data.empty ? { eventType: 'RUN', agentLogs: [event.data.log.digest], message: 'No change' } : undefined;
    case 'TestsFinished':
      return {
        eventType: 'RUN',
        ...(diffHash !== undefined && { diffHash }),
        testsResult: event.data.passed ? 'PASS' : 'FAIL',
        agentLogs: [event.data.log.digest],
      };
    case 'PullRequestOpened':
    case 'PullRequestUpdated':
      return { eventType: 'PR_CREATED', ...(diffHash !== undefined && { diffHash }), prLink: event.data.url };
    case 'TaskCancelled':
      return { eventType: 'FAILED', errorCode: 'CANCELLED', message: `Cancelled by ${actor}` };
    case 'ApprovalExpired':
      return { eventType: 'FAILED', errorCode: 'APPROVAL_EXPIRED', message: 'Nobody allowed it in time' };
    case 'TaskFailed':
      return { eventType: 'FAILED', errorCode: event.data.errorCode, message: textOf(event.data.sentence) };
    default:
      return undefined;
  }
};

const taskEvent = ({ type, data, metadata, hash }: AuditLine) => {
  try {
    return happened(taskKind, { type, data, metadata: { ...metadata, hash } });
  } catch (error) {
    if (error instanceof UnreadableEvent) return undefined;
    throw error;
  }
};

/**
 * The older audit of the same tasks. `agentLogs` names the digests of the logs, which are artifacts here; what that audit has no word for is
 * left out, so it is an export and proves nothing.
 */
export async function* asOkayDokki(lines: AsyncIterable<AuditLine> | Iterable<AuditLine>): AsyncIterable<OkayDokkiLine> {
  const tasks = new Map<string, Known>();
  for await (const line of lines) {
    const seen = line.stream.startsWith('task-') ? taskEvent(line) : undefined;
    if (!seen) continue;
    const event = seen as TaskEvent; // Parsed by the schema of its type.
    const before = tasks.get(line.stream) ?? { triggerUser: seen.actor };
    const patch = event.type === 'ChangeCollected' ? event.data.patch : null;
    const known = patch ? { ...before, diffHash: patch.digest } : before;
    tasks.set(line.stream, known);
    const own = ownFields(event, seen.actor, known);
    const { taskId } = event.data;
    if (own) yield { auditVersion: '1.0', timestamp: seen.at, taskId, triggerUser: known.triggerUser, ...own };
  }
}
