import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { chatKind } from '../../src/domain/chat/index.ts';
import type { Kind } from '../../src/domain/decider.ts';
import { historyKind } from '../../src/domain/history/index.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import type { Service } from '../../src/infra/cli/composition.ts';
import { addRepository } from '../../src/infra/git/snapshots.ts';
import { replay } from '../../src/infra/replay.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { serve } from '../../src/main.ts';
import { verifyAudit } from '../../src/projections/audit.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, type Client, clientOf, file, look, rerun } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';

const LOGS = join(import.meta.dirname, '..', 'fixtures', 'logs');
const KINDS = [taskKind, personKind, chatKind, historyKind] as readonly Kind[];

/** What the services were configured with that wrote the logs: an approval covers it. */
const AGENT =
  'case "$OKD_INTENT" in Fail*) echo no; exit 3;; Break*) echo false > sum.sh;; Nothing*) true;; Slowly*) sleep 4; sed -i s/-/+/ sum.sh;; ' +
  'Workflow*) mkdir -p .github/workflows; echo on: push > .github/workflows/ci.yml;; Package*) sed -i s/-/+/ sum.sh; echo {} > package.json;; ' +
  '*) echo mending; sed -i s/-/+/ sum.sh;; esac';

/** How each task was left, by its intent; that of the first is erased where it could be. */
const LEFT: readonly (readonly [RegExp, string, string | null])[] = [
  [/^(Let this one expire\.|\[redacted\])$/, 'FAILED', 'APPROVAL_EXPIRED'],
  [/^Make it red\.$/, 'FAILED', 'REJECTED'],
  [/^Make it green\.$/, 'FAILED', 'CANCELLED'],
  [/^Fail at once\.$/, 'FAILED', 'AGENT_FAILED'],
  [/^Nothing to do\.$/, 'COMPLETED', null],
  [/^Workflow, please\.$/, 'FAILED', 'POLICY_VIOLATION'],
  [/^Break the sum\.$/, 'WAIT_APPROVE_WRITE', null],
  [/^Make a sum\.$/, 'WAIT_APPROVE_WRITE', null],
  [/^Make another sum\.$/, 'WAIT_CLARIFY', null],
  [/^Package it\.$/, 'WAIT_APPROVE_PATCH', null],
  [/^Make the sum a sum again\.$/, 'WAIT_APPROVE_WRITE', null],
];

const Made = z.object({ folder: z.string(), head: z.object({ sequence: z.int(), lineHash: z.string() }) });
const Listed = z.object({ tasks: z.array(z.object({ taskId: z.string() })) });

/** Where values stand in stored data, and of what kind they are: two events with the same set have one shape. */
const shapeOf = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((one) => shapeOf(one, `${path}[]`));
  if (value === null || typeof value !== 'object') return [`${path}: ${value === null ? 'null' : typeof value}`];
  return Object.entries(value).flatMap(([key, one]) => shapeOf(one, `${path}.${key}`));
};

const Shape = z.object({ type: z.string(), schema: z.string(), data: z.unknown() });
const shapes = new Map<string, Set<string>>();
for (const line of readFileSync(join(import.meta.dirname, '..', 'domain', 'stored-shapes.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')) {
  const { type, schema, data } = Shape.parse(JSON.parse(line));
  const known = shapes.get(`${type} ${schema}`) ?? new Set();
  for (const place of shapeOf(data)) known.add(place);
  shapes.set(`${type} ${schema}`, known);
}

describe.each(readdirSync(LOGS).filter((name) => name.endsWith('.tar.gz')))('The log %s', (name) => {
  let workshop: Workshop;
  let made: z.infer<typeof Made>;
  let service: Service;
  let client: Client;
  let tasks: readonly TaskView[];
  /** Written before an approval covered what the operator says of the agent: such a one lets none run, and is asked for again. */
  const isFirst = name.startsWith('1-');
  const carriedOut = async (task: TaskView): Promise<TaskView> => {
    const ended = await approve(client, task);
    if (!isFirst) return ended;
    expect(ended).toMatchObject({ status: 'FAILED', errorCode: 'RUNTIME_CONFIG_MISSING' });
    return approve(client, await rerun(client, ended));
  };
  const begun = (intent: RegExp): TaskView =>
    tasks.find((task) => intent.test(task.intent)) ?? expect.fail(`${intent} is not there`);

  beforeAll(async () => {
    workshop = await openWorkshop();
    const unpacked = mkdtempSync(join(tmpdir(), 'countersign-golden-'));
    execFileSync('tar', ['-xzf', join(LOGS, name), '-C', unpacked]);
    made = Made.parse(JSON.parse(readFileSync(join(unpacked, 'made.json'), 'utf8')));
    rmSync(workshop.origin, { recursive: true });
    await git('/', ['clone', '--quiet', '--mirror', join(unpacked, 'origin.bundle'), workshop.origin]);
    mkdirSync(workshop.dataFolder, { recursive: true, mode: 0o700 });
    for (const part of ['artifacts', 'forge']) renameSync(join(unpacked, part), join(workshop.dataFolder, part));
    copyFileSync(join(unpacked, 'log.db'), join(workshop.dataFolder, 'log.db'));
    rmSync(unpacked, { recursive: true });
    // An approval covers where a change is delivered to, so the repository has to be found where it was then.
    symlinkSync(workshop.folder, made.folder);
    rmSync(join(workshop.folder, 'repos'), { recursive: true });
    await addRepository({
      url: join(made.folder, 'origin.git'),
      name: 'acme/widgets',
      snapshotRoot: join(workshop.folder, 'repos'),
    });

    service = await serve(workshop.configuration({ AGENT_CLI_TEMPLATE: AGENT, RUNNING_PER_REPOSITORY_MAX: '4' }));
    client = await clientOf(workshop.dataFolder);
    const listed = Listed.parse((await client.call('GET', '/api/v1/tasks?limit=100')).json());
    tasks = await Promise.all(listed.tasks.map((task) => look(client, task)));
  });
  afterAll(async () => {
    await service?.stop();
    if (made) rmSync(made.folder, { force: true });
    await workshop?.remove();
  });

  it('shows every task as it was left', () => {
    for (const [intent, status, errorCode] of LEFT) expect(begun(intent)).toMatchObject({ status, errorCode });
  });

  it.each([
    ['at the first gate', /^Make the sum a sum again\.$/],
    ['after its question was answered', /^Make a sum\.$/],
  ])('goes on with a task that waits %s, on its approval', async (_, intent) => {
    const task = await carriedOut(begun(intent));
    expect({ status: task.status, why: task.sentence }).toMatchObject({ status: 'COMPLETED' });
    expect(task.pullRequest).not.toBeNull();
  });

  it('delivers the patch that waits for its approval', async () => {
    expect(await approve(client, begun(/^Package it\.$/))).toMatchObject({ status: 'COMPLETED' });
  });

  it('takes the answer to a question, and another attempt on a pull request', async () => {
    const answered = await act(client, begun(/^Make another sum\.$/), { action: 'clarify', text: 'Any.' });
    expect(await approve(client, answered)).toMatchObject({ status: 'COMPLETED' });
    const delivered =
      tasks.find(({ status, attempt }) => status === 'COMPLETED' && attempt === 2) ?? expect.fail('none was delivered twice');
    expect(await approve(client, await rerun(client, delivered, 'Once more.'))).toMatchObject({
      status: 'COMPLETED',
      attempt: 3,
    });
  });

  it('takes a new task, and delivers it', async () => {
    expect(await approve(client, await file(client, 'Mend the sum.'))).toMatchObject({ status: 'COMPLETED', errorCode: null });
  });

  it('runs another attempt of what failed, which fails again', async () => {
    const broken = await carriedOut(begun(/^Break the sum\.$/));
    expect(broken).toMatchObject({ status: 'FAILED', errorCode: 'TEST_FAILED', attempt: isFirst ? 3 : 2 });
  });

  it('goes on with what was under way', async () => {
    const task = begun(/^Slowly/);
    const outcome = isFirst
      ? { status: 'FAILED', errorCode: 'RUNTIME_CONFIG_MISSING' }
      : { status: 'COMPLETED', errorCode: null };
    await expect.poll(() => look(client, task), { timeout: 30_000 }).toMatchObject(outcome);
  });

  it('gives the audit that it gave then, and more, and every hash and fold holds', async () => {
    const lines = (await client.call('GET', '/api/v1/audit.jsonl')).text.trimEnd().split('\n');
    const verdict = await verifyAudit(lines, made.head);
    expect(verdict).toMatchObject({ valid: true });
    expect(lines.length).toBeGreaterThan(made.head.sequence);
    await service.stop();
    const store = openSqliteStore({ file: join(workshop.dataFolder, 'log.db') });
    expect(await replay(store, KINDS, () => undefined)).toMatchObject({ faults: [] });
    await store.close();
  });

  it('holds no shape that the file of stored shapes does not', async () => {
    const store = openSqliteStore({ file: join(workshop.dataFolder, 'log.db') });
    const unknown = new Set<string>();
    for await (const { type, data, metadata, stream } of store.readAll()) {
      if (stream.startsWith('worker-')) continue;
      const known = shapes.get(`${type} ${metadata.schema}`);
      for (const place of shapeOf(data)) if (!known?.has(place)) unknown.add(`${type} ${metadata.schema} ${place}`);
    }
    await store.close();
    expect([...unknown]).toEqual([]);
  });
});
