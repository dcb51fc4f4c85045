import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sealed } from '../../src/domain/event.ts';
import { taskBranch, taskStream } from '../../src/domain/ids.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';

export const PEOPLE = ['1', '2', '3', '4', '5'].map((digit) => `person-00000000-0000-4000-8000-00000000000${digit}`);
export const REPOSITORIES = ['acme/widgets', 'acme/gadgets', 'acme/docs', 'other/site'];

/** Each of the list in turn. */
const nth = (list: readonly string[], number: number): string => list[number % list.length] ?? '';

const text = (words: string) => ({ text: words, salt: 'salt' });

/** A task that was filed and rejected: three events, so that nothing of it is waiting for anybody. */
const story = (taskId: string, number: number) => {
  const stream = taskStream(taskId);
  const command = (type: string) => ({
    id: crypto.randomUUID(),
    type,
    data: {},
    actor: nth(PEOPLE, number),
    channel: 'http',
    at: new Date(1_760_000_000_000 + number * 1_000).toISOString(),
  });
  const created = {
    taskId,
    commandDigest: text('digest'),
    repo: nth(REPOSITORIES, number),
    base: 'main',
    intent: text(`Change number ${number}: make the sum a sum, and say so in the documentation.`),
    agent: 'codex',
    testCommand: null,
    onBehalfOf: null,
    branch: taskBranch(taskId),
  };
  const asked = { taskId, attempt: 1, preparation: 1, reason: 'BASE_MISSING', sentence: text('There is no such branch.') };
  const facts = [
    { type: 'TaskCreated', data: created },
    { type: 'ClarificationRequested', data: asked },
    { type: 'TaskRejected', data: { taskId, attempt: 1, gate: 'intent', reason: null } },
  ];
  return { stream, events: sealed(stream, facts, command('CreateTask'), 0, '') };
};

/** Fills the log of a data folder with `tasks` finished tasks of three events each. */
export const seedTasks = async (dataFolder: string, tasks: number): Promise<void> => {
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const store = openSqliteStore({ file: join(dataFolder, 'log.db') });
  for (let number = 0; number < tasks; number += 500) {
    const some = Array.from({ length: Math.min(500, tasks - number) }, (_, index) => story(crypto.randomUUID(), number + index));
    await Promise.all(some.map(({ stream, events }) => store.append(stream, events, 'no_stream')));
  }
  await store.close();
};
