import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { openKeeper } from '../../src/infra/views/keeper.ts';
import { openViews } from '../../src/infra/views/views.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { verifyAuditFile } from '../support/audit.ts';
import type { Client } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import type { Workshop } from '../support/workshop.ts';

const Timeline = z.object({ events: z.array(z.object({ type: z.string() })) });

/** Types of the events of a task, in order. */
export const storyOf = async (client: Client, { taskId }: Pick<TaskView, 'taskId'>): Promise<readonly string[]> =>
  Timeline.parse((await client.call('GET', `/api/v1/tasks/${taskId}/events`)).json()).events.map(({ type }) => type);

/** What was tried, and not what came of it. */
const TRIES: ReadonlySet<string> = new Set(['StageClaimed', 'StageReleased']);

/** Facts of a delivery with both gates: each once, however often it was tried. */
export const DELIVERY = [
  'TaskCreated',
  'RequestPrepared',
  'TaskApproved',
  'ChangeCollected',
  'PolicyJudged',
  'TestsFinished',
  'PatchApprovalRequested',
  'PatchApproved',
  'DeliveryRequested',
  'PullRequestOpened',
  'TaskCompleted',
] as const;

export const factsOf = (story: readonly string[]): readonly string[] => story.filter((type) => !TRIES.has(type));
export const triesOf = (story: readonly string[]): readonly string[] => story.filter((type) => TRIES.has(type));

const Record = z.object({ number: z.int(), branch: z.string(), state: z.string(), draft: z.boolean() });

/** Every pull request of the local forge in `folder`. */
export const pullRequestsIn = async (folder: string): Promise<readonly z.infer<typeof Record>[]> => {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /(^|\/)\d+\.json$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => Record.parse(JSON.parse(text)));
};

/** Exactly one branch and one open Draft pull request for each of `tasks`, with the tree that was tested. */
export const expectDeliveredOnce = async ({ origin, dataFolder }: Workshop, tasks: readonly TaskView[]): Promise<void> => {
  const branches = tasks.map(({ branch }) => branch).sort();
  const heads = await git(origin, ['for-each-ref', '--format=%(refname:short) %(tree)', 'refs/heads/countersign/']);
  const tested = tasks.map(({ branch, trees }) => `${branch} ${trees.tested}`).sort();
  expect(heads.split('\n').sort()).toEqual(tested);
  const pullRequests = await pullRequestsIn(join(dataFolder, 'forge'));
  expect(pullRequests.map(({ branch }) => branch).sort()).toEqual(branches);
  expect(pullRequests.every(({ draft, state }) => draft && state === 'open')).toBe(true);
};

/** The views and the audit that lived through it all are those that are made from the log alone. Nobody else has the data folder open. */
export const expectRebuilt = async ({ dataFolder, folder }: Workshop): Promise<void> => {
  const store = openSqliteStore({ file: join(dataFolder, 'log.db') });
  try {
    const dumped = async (place: string): Promise<readonly string[]> => {
      const file = join(place, 'views.db');
      const views = await openViews(file, await openKeeper({ file, auditFile: join(place, 'audit.jsonl'), store }));
      await views.ready;
      expect(await views.waitForAudit((await store.head()) ?? '', 10_000)).toBe(true);
      const dump = [...views.dump()];
      await views.close();
      return dump;
    };
    expect(await dumped(dataFolder)).toEqual(await dumped(folder));
    const [lived, made] = [join(dataFolder, 'audit.jsonl'), join(folder, 'audit.jsonl')];
    expect((await readFile(lived)).equals(await readFile(made))).toBe(true);
    expect(await verifyAuditFile(lived)).toMatchObject({ valid: true });
  } finally {
    await store.close();
  }
};
