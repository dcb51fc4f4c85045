import type { Card, PostedCard } from '../../domain/card.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { Priority } from './pace.ts';

/** What the latest message about a task must be. */
export interface Notice {
  /** Names the message: one with a name that was not posted yet is a new one. */
  readonly key: string;
  readonly attempt: number;
  /** `first`: only when this attempt has no message yet; else the latest is edited. */
  readonly post: 'always' | 'first';
  /** With a sound: a person must act, or it is over. */
  readonly loud: boolean;
  readonly priority: Priority;
  /** Milliseconds since 1970 before which it is not posted: what comes first may be worth more. */
  readonly notBefore: number;
}

/** How long a first message waits for the approval card to come instead, in milliseconds. */
export const FIRST_WORD_MS = 2_000;

const is = (task: TaskView, key: string, more: Pick<Notice, 'post' | 'loud' | 'priority'>, notBefore = 0): Notice => ({
  key,
  attempt: task.attempt,
  notBefore,
  ...more,
});

const ACT = { post: 'always', loud: true, priority: 'act' } as const;
const END = { post: 'always', loud: true, priority: 'end' } as const;
const QUIET = { post: 'first', loud: false, priority: 'end' } as const;

/** Pure: the same task gives the same notice, whoever asks and however often. */
export const noticeOf = (task: TaskView): Notice => {
  const { attempt, transitions } = task;
  const since = Date.parse(transitions.at(-1)?.at ?? task.createdAt);
  switch (task.status) {
    case 'CREATED':
      return is(task, `prepare-${attempt}`, QUIET, since + FIRST_WORD_MS);
    case 'WAIT_CLARIFY': {
      const times = transitions.filter((step) => step.attempt === attempt && step.status === 'WAIT_CLARIFY').length;
      return is(task, `clarify-${attempt}-${times}`, ACT);
    }
    case 'WAIT_APPROVE_WRITE':
    case 'WAIT_APPROVE_PATCH':
      return is(task, `ask-${task.approval?.approvalId ?? ''}`, ACT);
    case 'RUNNING':
    case 'PR_CREATED':
      return is(task, `run-${attempt}`, QUIET);
    case 'COMPLETED':
    case 'FAILED':
      return is(task, `end-${attempt}`, END);
  }
};

export type Plan =
  | { readonly do: 'post' }
  | { readonly do: 'wait'; readonly ms: number }
  /** The latest message is brought up to date. */
  | { readonly do: 'edit'; readonly message: PostedCard }
  | { readonly do: 'nothing' };

/** What makes a card say what it must, `now` in milliseconds since 1970. `again`: the chat may take messages once more. */
export const planOf = (notice: Notice, { posted, undeliverable, chat }: Card, now: number, again: boolean): Plan => {
  const latest = posted.at(-1);
  // A chat that was erased is none.
  if (chat === '') return { do: 'nothing' };
  if (undeliverable && !again && (undeliverable.reason !== 'refused' || undeliverable.key === notice.key)) {
    return { do: 'nothing' };
  }
  const stands = notice.post === 'always' ? latest?.key === notice.key : latest?.attempt === notice.attempt;
  if (latest && stands) {
    if (latest.chat === chat) return { do: 'edit', message: latest };
    // A supergroup does not have what was posted in the group it was: only what a person must act on is posted again.
    return notice.priority === 'act' ? { do: 'post' } : { do: 'nothing' };
  }
  const waitMs = notice.notBefore - now;
  // It would wait longer only for the clock of another machine that is ahead of this one.
  return waitMs > 0 && waitMs <= FIRST_WORD_MS ? { do: 'wait', ms: waitMs } : { do: 'post' };
};
