import { randomUUID } from 'node:crypto';
import type { TaskView } from '../../src/projections/task-view.ts';
import type { Answer } from '../support/client.ts';
import type { Chance } from './chance.ts';
import { GLANCE_MS, insist } from './insist.ts';
import { WRONG_AT_FIRST } from './origin.ts';
import { bearer } from './site.ts';
import type { Service } from './supervision.ts';
import type { Feeling } from './whims.ts';

/** Attempts of one task that people ask for after it failed. */
export const RERUNS_MAX = 12;

export const says = (words: string) => `Make the sum a sum, please (${words}).`;

/** What a person goes through. */
export interface Fortune {
  /** An attempt was seen to fail. */
  failed(): void;
  /** Another attempt of what was delivered is under way. */
  updated(): void;
}

export interface Calling {
  readonly doors: readonly [Pick<Service, 'client'>, ...Pick<Service, 'client'>[]];
  readonly token: string;
  readonly chance: Chance;
  readonly wait: (ms: number) => Promise<void>;
  /** Somebody else pushes to the base. */
  readonly pushToMain: () => Promise<void>;
  /** A day goes by, unless one just did. */
  readonly day: () => Promise<boolean>;
  readonly sawRunning: () => void;
}

/** What is said to a gate, each at the same time as the others. */
const answersTo = (digest: string, attempt: number, feels: Feeling): readonly object[] => {
  const approve = { action: 'approve', approval_digest: digest };
  if (feels('the same approval twice at once')) return [approve, approve];
  if (feels('approval and rejection at once')) return [approve, { action: 'reject', attempt }];
  if (feels('approval and cancel at once')) return [approve, { action: 'cancel', attempt }];
  if (feels('rejection')) return [{ action: 'reject', attempt }];
  if (feels('a question instead of an approval')) return [{ action: 'ask', attempt, question: 'Is it a sum?' }];
  return [approve];
};

/** A person over HTTP asks for something, and goes on until it is done. */
export const byHttp = async (
  { doors, token, chance, wait, pushToMain, day, sawRunning }: Calling,
  words: string,
  feels: Feeling,
  { failed, updated }: Fortune,
): Promise<void> => {
  /** Asks whichever service answers, with one key. */
  const call = (method: string, path: string, body?: object, id: string = randomUUID()): Promise<Answer> => {
    const headers = { ...bearer(token), ...(method === 'POST' && { 'idempotency-key': id }) };
    return insist(async () => {
      const client = await (doors[chance.below(doors.length)] ?? doors[0]).client();
      return client.call(method, path, body, headers);
    }, wait);
  };

  const key = randomUUID();
  const intent = says(feels('a change that fails its tests') ? `${words}, ${WRONG_AT_FIRST}` : words);
  const filing = () => call('POST', '/api/v1/tasks', { intent }, key);
  const [filed] = await Promise.all([filing(), ...(feels('the same request twice at once') ? [filing()] : [])]);
  if (filed.status !== 201) throw new Error(`the request was answered with ${filed.status}: ${filed.text}`);
  const path = `/api/v1/tasks/${filed.task().taskId}`;
  const act = (...actions: readonly object[]) => Promise.all(actions.map((action) => call('POST', `${path}/actions`, action)));
  const rerun = (body: object = chance.below(2) === 0 ? { feedback: 'Once more, please.' } : {}): Promise<Answer> =>
    call('POST', `${path}/rerun`, body);
  /** What came of asking for another attempt than this one. */
  const runAgain = async (attempt: number): Promise<readonly Answer[]> => {
    if (feels('the same rerun twice at once')) return Promise.all([rerun(), rerun()]);
    if (!feels('rerun and cancel at once')) return [await rerun()];
    const [again] = await Promise.all([rerun(), act({ action: 'cancel', attempt: attempt + 1 })]);
    return [again];
  };
  /** A process that has not come so far says to read it again, and so one does. Whatever else it says is the last word. */
  const isFinal = ({ status }: Answer): boolean => status !== 404 && status !== 409;

  /** Attempts that were seen to fail, and that another one was asked for after. */
  let [seen, takenUp] = [0, 0];
  /** What was delivered is not what was wanted. */
  let wantsMore = false;
  /** `true`: the person has it. */
  const seeDelivered = async (attempt: number): Promise<boolean> => {
    if (!wantsMore && !feels('rerun of what was delivered')) return true;
    if (!wantsMore && chance.below(2) === 0) await pushToMain();
    wantsMore = true;
    if (!isFinal(await rerun({ feedback: 'Once more, please.' }))) return false;
    wantsMore = false;
    takenUp = attempt;
    updated();
    return false;
  };
  const seeFailed = async (attempt: number): Promise<boolean> => {
    if (attempt > seen) failed();
    seen = attempt;
    if (seen > RERUNS_MAX) return true;
    if ((await runAgain(attempt)).some(isFinal)) takenUp = attempt;
    return false;
  };
  const look = async ({ status, attempt, approval }: TaskView): Promise<boolean> => {
    // Whoever is not told of the next attempt yet asks a process that has not come so far.
    if (attempt <= takenUp) return false;
    if (status === 'COMPLETED') return seeDelivered(attempt);
    if (status === 'FAILED') return seeFailed(attempt);
    if (status === 'RUNNING') sawRunning();
    if (approval && feels('a day without an answer') && (await day())) return false;
    if (approval) await act(...answersTo(approval.digest, attempt, feels));
    else if (status === 'RUNNING' && feels('cancel while it runs')) await act({ action: 'cancel', attempt });
    // Who was asked back says it anew; what was missing is there when it is looked for again.
    else if (status === 'WAIT_CLARIFY') await act({ action: 'retry' }, { action: 'clarify', text: says(`${words} again`) });
    return false;
  };
  for (;;) {
    const answer = await call('GET', path);
    if (answer.status === 200 && (await look(answer.task()))) return;
    await wait(GLANCE_MS);
  }
};
