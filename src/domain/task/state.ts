import type { ArtifactRef } from '../artifact.ts';
import type { Digest } from '../canonical.ts';
import type { ObjectId } from '../ids.ts';
import type { StoredPolicyReport } from '../policy/shapes.ts';
import type { TaskErrorCode } from '../refusals.ts';
import type { Text } from '../text.ts';
import type { TaskEventData } from './events.ts';
import type { ClarifyReason, Prepared, Stage } from './shapes.ts';

/** An approval that a person is asked for. */
export interface OpenApproval {
  readonly approvalId: string;
  readonly approvalDigest: Digest;
  readonly askedAt: string;
  readonly expiresAt: string;
}

/** An approval that was given; the first claim of the stage it allows uses it. */
export interface GivenApproval {
  readonly approvalId: string;
  readonly approvalDigest: Digest;
  readonly by: string;
  readonly at: string;
  readonly expiresAt: string;
}

/** Who works on a stage, and how often it was tried. */
export interface Claim {
  /** The fence: rises with every claim of the stage in this attempt. */
  readonly execution: number;
  /** Executions that count against the limit; a shutdown gives one back. */
  readonly counted: number;
  readonly worker: string | null;
  readonly notBefore: string | null;
  /** Why it was handed back last, when something outside was down. */
  readonly outside: Text | null;
}

export type Collected = Omit<TaskEventData<'ChangeCollected'>, 'taskId' | 'attempt' | 'execution'>;
export type Tested = Omit<TaskEventData<'TestsFinished'>, 'taskId' | 'attempt' | 'execution'>;
export type Judged = { readonly tree: ObjectId; readonly gate: 'required' | 'not_required'; readonly report: StoredPolicyReport };
export type Delivery = Omit<TaskEventData<'DeliveryRequested'>, 'taskId' | 'attempt' | 'execution'> & {
  /** The commit's date. */
  readonly at: string;
  /** 1, or 2 after the lease of the first was refused. */
  readonly round: number;
};

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly branch: string;
  readonly head: ObjectId;
  readonly tree: ObjectId;
  readonly baseMovedBy: number;
}

/** What the attempt came to so far; kept when the task is over, so that it can be read and built upon. */
export interface Evidence {
  readonly prepared?: Prepared;
  readonly approval?: GivenApproval;
  readonly collected?: Collected;
  readonly judged?: Judged;
  readonly tested?: Tested;
  readonly patchApproval?: GivenApproval & { readonly tree: ObjectId };
  readonly delivery?: Delivery;
  readonly delivered?: PullRequest & { readonly updated: boolean };
}

/** The last tree that was collected: where a rerun with feedback starts. */
export interface LastChange {
  readonly tree: ObjectId;
  readonly baseCommit: ObjectId;
  readonly repo: string;
  readonly patch: ArtifactRef;
}

interface Request {
  readonly taskId: string;
  readonly commandDigest: Text;
  readonly requestedBy: string;
  readonly createdAt: string;
  readonly branch: string;
  readonly onBehalfOf: Text | null;
  readonly repo: string;
  readonly base: string;
  readonly intent: Text;
  readonly agent: string;
  readonly testCommand: Text | null;
  readonly clarifications: readonly Text[];
  readonly clarified: number;
  readonly attempt: number;
  /** Preparations that were reported in this attempt. */
  readonly preparation: number;
  readonly feedback: Text | null;
  readonly lastChange: LastChange | null;
  /** The latest commit that was about to be pushed, of an earlier attempt or this one. */
  readonly lastDelivery: { readonly branch: string; readonly commit: ObjectId } | null;
  /** The latest pull request of an earlier attempt or this one. */
  readonly pullRequest: PullRequest | null;
  /** Every commit that was ever stated for delivery: a remote branch whose head is one of these holds nobody else's work. */
  readonly commits: readonly ObjectId[];
  readonly evidence: Evidence;
}

type In<Status extends string, Fields = unknown> = Request & { readonly status: Status } & Fields;
type With<Key extends keyof Evidence> = { readonly evidence: Evidence & Required<Pick<Evidence, Key>> };

export type Task =
  | { readonly status: 'absent' }
  | In<'CREATED'>
  | In<'WAIT_CLARIFY', { readonly reason: ClarifyReason; readonly sentence: Text }>
  | In<'WAIT_APPROVE_WRITE', { readonly open: OpenApproval } & With<'prepared'>>
  | Running
  | In<'WAIT_APPROVE_PATCH', { readonly open: OpenApproval } & With<'prepared' | 'approval' | 'collected' | 'judged' | 'tested'>>
  | In<'PR_CREATED', { readonly claim: Claim } & With<'prepared' | 'delivery' | 'delivered'>>
  | In<'COMPLETED', { readonly result: 'pull_request' | 'no_change' }>
  | In<
      'FAILED',
      {
        readonly errorCode: TaskErrorCode;
        readonly stage: Stage | null;
        readonly failure: Text;
        readonly log: ArtifactRef | null;
      }
    >;

export type Running =
  | In<'RUNNING', { readonly stage: 'agent'; readonly claim: Claim } & With<'prepared' | 'approval'>>
  | In<'RUNNING', { readonly stage: 'sandbox'; readonly claim: Claim } & With<'prepared' | 'approval' | 'collected' | 'judged'>>
  | In<
      'RUNNING',
      { readonly stage: 'delivery'; readonly claim: Claim } & With<'prepared' | 'approval' | 'collected' | 'judged' | 'tested'>
    >;

export type PresentTask = Exclude<Task, { readonly status: 'absent' }>;
export type TaskStatus = PresentTask['status'];

export const absent: Task = { status: 'absent' };

export const unclaimed: Claim = { execution: 0, counted: 0, worker: null, notBefore: null, outside: null };

export const isOver = (task: Task): boolean => task.status === 'COMPLETED' || task.status === 'FAILED';

/** The stage a claim is about, and its claim; `undefined` when no worker has anything to do here but prepare. */
export const stageOf = (task: Task): { readonly stage: Stage; readonly claim: Claim } | undefined => {
  if (task.status === 'RUNNING') return { stage: task.stage, claim: task.claim };
  if (task.status === 'PR_CREATED') return { stage: 'bookkeeping', claim: task.claim };
  return undefined;
};

/** The tree that may be delivered: what a person allowed, or what policy judged where it asks for no person. */
export const allowedTree = (evidence: Evidence): ObjectId | undefined => {
  const { judged, patchApproval } = evidence;
  if (!judged) return undefined;
  if (judged.gate === 'not_required') return judged.tree;
  return patchApproval?.tree;
};
