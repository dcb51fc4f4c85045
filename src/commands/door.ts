import { z } from 'zod';
import { digestOf } from '../domain/canonical.ts';
import { BranchName, derivedId, RepositoryName, Uuid } from '../domain/ids.ts';
import { INTENT_CHARACTERS_MAX } from '../domain/limits.ts';
import { DomainError } from '../domain/refusals.ts';
import type { TaskCommand } from '../domain/task/commands.ts';
import type { Text } from '../domain/text.ts';
import type { Dispatch, Dispatched } from './dispatch.ts';
import type { Clock } from './ports/clock.ts';
import type { KnownTask, TaskQueries } from './ports/task-queries.ts';
import { createWaitingLimit } from './waiting-limit.ts';

/** Who speaks, on which channel. Made by a surface from its own authentication, never from what was sent. */
export interface Session {
  readonly personId: string;
  readonly channel: string;
}

/** Half a surrogate pair has no canonical JSON, so it becomes U+FFFD before anything is made of it. */
const words = (max: number) =>
  z
    .string()
    .overwrite((text) => text.toWellFormed())
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !text.includes('\0'), { error: 'must not hold NUL characters' });
const AgentName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, { error: 'must be the name of an agent, for example "codex"' });
const TestCommand = words(1_000);

/** A request for a change, as a surface takes it. Left out: the operator's defaults. */
export const NewTask = z.strictObject({
  repo: RepositoryName.optional(),
  base: BranchName.optional(),
  intent: words(INTENT_CHARACTERS_MAX),
  agent: AgentName.optional(),
  testCommand: TestCommand.optional(),
  onBehalfOf: words(200).optional(),
});
export type NewTask = z.infer<typeof NewTask>;

const attempt = z.int().min(1).optional();
const reason = words(2_000).optional();
/** Of the event that asked: what a button carries, so that a stale one is refused. */
const approvalId = Uuid.optional();

/** What a person can say with each action. Without `attempt` the current one is meant. */
export const ACTION_FIELDS = {
  approve: {
    attempt,
    approvalDigest: z
      .string()
      .regex(/^[0-9a-f]{8,64}$/, { error: 'must be 8 to 64 hexadecimal digits' })
      .optional(),
    approvalId,
  },
  reject: { attempt, reason, approvalId },
  ask: { attempt, question: words(2_000), approvalId },
  clarify: {
    attempt,
    repo: RepositoryName.optional(),
    base: BranchName.optional(),
    agent: AgentName.optional(),
    testCommand: TestCommand.optional(),
    text: words(INTENT_CHARACTERS_MAX).optional(),
  },
  retry: { attempt },
  cancel: { attempt, reason },
  rerun: { attempt, feedback: words(INTENT_CHARACTERS_MAX).optional() },
} as const;

/** What a person can do to a task. */
export const TaskAction = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('approve'), ...ACTION_FIELDS.approve }),
  z.strictObject({ action: z.literal('reject'), ...ACTION_FIELDS.reject }),
  z.strictObject({ action: z.literal('ask'), ...ACTION_FIELDS.ask }),
  z.strictObject({ action: z.literal('clarify'), ...ACTION_FIELDS.clarify }),
  z.strictObject({ action: z.literal('retry'), ...ACTION_FIELDS.retry }),
  z.strictObject({ action: z.literal('cancel'), ...ACTION_FIELDS.cancel }),
  z.strictObject({ action: z.literal('rerun'), ...ACTION_FIELDS.rerun }),
]);
export type TaskAction = z.infer<typeof TaskAction>;

/** What a person chose last, where a surface remembers it. */
export type Preferences = Partial<Pick<NewTask, 'repo' | 'base' | 'agent'>>;

export interface Answered extends Dispatched {
  readonly taskId: string;
}

export interface DoorOptions {
  readonly dispatch: Dispatch;
  readonly tasks: TaskQueries;
  readonly clock: Clock;
  readonly defaults: { readonly repo: string | null; readonly base: string; readonly agent: string };
  readonly waitingPerPersonMax: number;
  /** Whether a text holds a credential: such a text is refused before anything is stored. */
  readonly holdsSecret: (text: string) => boolean;
}

/**
 * The one door: every surface hands in what a person said and gets what came of it. `key` makes sending it again harmless (an
 * `Idempotency-Key`, an update's id); without one every call is a new wish. Throws `DomainError`, `ConflictError`, `StoreUnavailable`.
 */
export const createDoor = ({ dispatch, tasks, clock, defaults, waitingPerPersonMax, holdsSecret }: DoorOptions) => {
  /** In whichever field it stands: all of them are stored. */
  const refuseSecrets = (wish: NewTask | TaskAction): void => {
    if (Object.values(wish).some((said) => typeof said === 'string' && holdsSecret(said)))
      throw new DomainError('secret-in-text');
  };
  const text = (words: string): Text => ({ text: words, salt: clock.uuid() });
  const optionalText = (words: string | undefined): Text | null => (words === undefined ? null : text(words));
  const withinLimit = createWaitingLimit({ count: tasks.countWaiting, max: waitingPerPersonMax });
  const idOf = (session: Session, key: string | undefined): string =>
    key === undefined ? clock.uuid() : derivedId(session.personId, key);
  const send = (session: Session, id: string, command: TaskCommand, known?: 'unwritten'): Promise<Dispatched> =>
    dispatch({ id, ...command, actor: session.personId, channel: session.channel, at: clock.now() }, known);

  const known = (idOrPrefix: string): KnownTask => {
    const found = tasks.find(idOrPrefix);
    if (found === 'none') throw new DomainError('task-not-found');
    if (found === 'ambiguous') throw new DomainError('ambiguous-task');
    return found;
  };

  /** A typed prefix of the digest that is shown, or was shown when it was allowed, means that digest; anything else is not what was shown. */
  const digest = (given: string | undefined, { approvalDigest, approvedDigests }: KnownTask): string => {
    if (given === undefined) throw new DomainError('approval-digest-required');
    if (given.length === 64) return given;
    const meant = [approvalDigest, ...approvedDigests].find((shown) => shown?.startsWith(given));
    if (meant) return meant;
    throw new DomainError(approvalDigest === null ? 'not-awaiting-approval' : 'request-changed');
  };

  const commandOf = (wish: TaskAction, task: KnownTask): TaskCommand => {
    const about = { taskId: task.taskId, attempt: wish.attempt ?? task.attempt };
    switch (wish.action) {
      case 'approve':
        return { type: 'Approve', data: { ...about, approved: wish.approvalId ?? digest(wish.approvalDigest, task) } };
      case 'reject':
        return { type: 'Reject', data: { ...about, reason: optionalText(wish.reason), asked: wish.approvalId } };
      case 'ask':
        return { type: 'AskBack', data: { ...about, sentence: text(wish.question), asked: wish.approvalId } };
      case 'clarify': {
        const { action: _, text: said, testCommand, ...changes } = wish;
        const texts = {
          ...(said !== undefined && { text: text(said) }),
          ...(testCommand !== undefined && { testCommand: text(testCommand) }),
        };
        return { type: 'Clarify', data: { ...changes, ...about, ...texts } };
      }
      case 'retry':
        return { type: 'Retry', data: about };
      case 'cancel':
        return { type: 'Cancel', data: { ...about, reason: optionalText(wish.reason) } };
      case 'rerun':
        return { type: 'Rerun', data: { ...about, feedback: optionalText(wish.feedback) } };
    }
  };

  return {
    /**
     * Files a request. The same key with the same body finds the task it made; with another body it is refused. `preferred` fills in what was
     * not said and is no part of the body: a request that arrives again is the same one, whatever was preferred since.
     */
    async createTask(session: Session, wish: NewTask, key?: string, preferred: Preferences = {}): Promise<Answered> {
      refuseSecrets(wish);
      const repo = wish.repo ?? preferred.repo ?? defaults.repo;
      if (repo === null) throw new DomainError('repository-missing');
      const id = idOf(session, key);
      const taskId = derivedId(id, 'task');
      const command: TaskCommand = {
        type: 'CreateTask',
        data: {
          taskId,
          // Over what was said, before salts: the same words have the same digest, and it can be erased like them.
          commandDigest: { text: digestOf(wish), salt: clock.uuid() },
          repo,
          base: wish.base ?? preferred.base ?? defaults.base,
          intent: text(wish.intent),
          agent: wish.agent ?? preferred.agent ?? defaults.agent,
          testCommand: optionalText(wish.testCommand),
          onBehalfOf: optionalText(wish.onBehalfOf),
        },
      };
      const isFiled = (): boolean => key !== undefined && tasks.find(taskId) !== 'none';
      const dispatched = await withinLimit(session.personId, isFiled, () =>
        send(session, id, command, key === undefined ? 'unwritten' : undefined),
      );
      return { ...dispatched, taskId };
    },

    async act(session: Session, idOrPrefix: string, wish: TaskAction, key?: string): Promise<Answered> {
      refuseSecrets(wish);
      const task = known(idOrPrefix);
      return { ...(await send(session, idOf(session, key), commandOf(wish, task))), taskId: task.taskId };
    },
  };
};

export type Door = ReturnType<typeof createDoor>;
