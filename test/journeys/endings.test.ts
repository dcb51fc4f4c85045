import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, file, look } from '../support/client.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { git } from '../support/git-commands.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

/** Seconds that name the processes of this file among all of the machine; one number a test. */
let lastNumber = process.pid * 100;
const nextNumber = (): string => `9${++lastNumber}`;

/** Processes that sleep for so many seconds. */
const sleepers = async (number: string): Promise<number> => {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return lines.filter((line) => line.split('\0').slice(0, -1).at(-1) === number).length;
};

/** Sleeps in the foreground, in the background, as a daemon that left its session, and deaf to every polite signal. */
const sleepEverywhere = (number: string): string =>
  `sleep ${number} & setsid -f sleep ${number}; (trap '' TERM HUP INT; setsid sleep ${number}) & sleep ${number}`;
const SLEEPERS = 4;

const PATIENCE = { timeout: 30_000, interval: 50 };

describe('A task', () => {
  let here: ServiceHere;
  let docker: Docker;
  let inDocker: ServiceHere;
  let image: string;

  const REPAIR = 'sed -i s/-/+/ sum.sh';
  const FILES = {
    'sum.sh': 'echo $(($1 - $2))\n',
    'test.sh': 'sh slow.sh && test "$(sh sum.sh 2 3)" = 5\n',
    'slow.sh': 'true\n',
  };
  const hasty = 'limits:\n  agent_timeout_seconds: 3\n  sandbox_timeout_seconds: 3\n';

  beforeAll(async () => {
    docker = await ensureDocker();
    image = await ensureTestImage();
    const branches = { main: FILES, hasty: { ...FILES, '.countersign.yml': hasty } };
    here = await openService({}, branches);
    inDocker = await openService({ SANDBOX: 'docker', SANDBOX_IMAGE: image }, branches);
  });
  afterAll(async () => {
    await here?.close();
    await inDocker?.close();
  });

  const begun = async (place: ServiceHere, intent: string): Promise<TaskView> => {
    const asked = await file(place.client, intent);
    const action = { action: 'approve', approval_digest: asked.approval?.digest };
    const { status } = await place.client.call('POST', `/api/v1/tasks/${asked.taskId}/actions`, action);
    expect(status).toBe(202);
    return asked;
  };
  const expectNothingDelivered = async (task: TaskView, { workshop } = here): Promise<void> => {
    expect(task).toMatchObject({ pullRequest: null, trees: { delivered: null } });
    expect(await git(workshop.origin, ['for-each-ref', `refs/heads/${task.branch}*`])).toBe('');
  };
  const expectNothingLeft = async (number: string, task: TaskView, { workshop } = here): Promise<void> => {
    await vi.waitFor(async () => {
      expect(await sleepers(number)).toBe(0);
      const left = await readdir(join(workshop.dataFolder, 'work'));
      expect(left.filter((name) => name.includes(task.taskId))).toEqual([]);
    }, PATIENCE);
  };
  const containersOf = async ({ taskId }: TaskView): Promise<number> => {
    const containers = await docker.listContainers({ all: true });
    return containers.filter(({ Names }) => Names.some((name) => name.includes(taskId))).length;
  };

  it.concurrent('that is cancelled while its agent runs ends it with all it started', async () => {
    const number = nextNumber();
    const task = await begun(here, `${REPAIR}; ${sleepEverywhere(number)}`);
    await vi.waitFor(async () => expect(await sleepers(number)).toBe(SLEEPERS), PATIENCE);
    expect(await look(here.client, task)).toMatchObject({ status: 'RUNNING', stage: 'agent' });
    const cancelled = await act(here.client, task, { action: 'cancel', reason: 'Changed my mind' });
    expect(cancelled).toMatchObject({ status: 'FAILED', errorCode: 'CANCELLED' });
    await expectNothingLeft(number, task);
    await expectNothingDelivered(await look(here.client, task));
  });

  it.concurrent.each(['bubblewrap', 'docker'] as const)(
    'that is cancelled while its tests run in %s ends them with all they started',
    async (sandbox) => {
      const place = sandbox === 'docker' ? inDocker : here;
      const number = nextNumber();
      const task = await begun(place, `${REPAIR}; echo "${sleepEverywhere(number)}" > slow.sh`);
      await vi.waitFor(async () => expect(await sleepers(number)).toBe(SLEEPERS), PATIENCE);
      expect(await look(place.client, task)).toMatchObject({ status: 'RUNNING', stage: 'sandbox' });
      expect(await containersOf(task)).toBe(sandbox === 'docker' ? 1 : 0);
      const cancelled = await act(place.client, task, { action: 'cancel' });
      expect(cancelled).toMatchObject({ status: 'FAILED', errorCode: 'CANCELLED' });
      await expectNothingLeft(number, task, place);
      await vi.waitFor(async () => expect(await containersOf(task)).toBe(0), PATIENCE);
      await expectNothingDelivered(await look(place.client, task), place);
    },
  );

  it.concurrent('fails when its agent takes too long, and leaves nothing of it', async () => {
    const number = nextNumber();
    const task = await approve(
      here.client,
      await file(here.client, `${REPAIR}; ${sleepEverywhere(number)}`, { base_branch: 'hasty' }),
    );
    expect(task).toMatchObject({ status: 'FAILED', errorCode: 'AGENT_TIMEOUT', stage: 'agent' });
    expect(task.sentence).toContain('3 s');
    await expectNothingLeft(number, task);
    await expectNothingDelivered(task);
  });

  it.concurrent.each(['bubblewrap', 'docker'] as const)('fails when its tests in %s take too long', async (sandbox) => {
    const place = sandbox === 'docker' ? inDocker : here;
    const number = nextNumber();
    const intent = `${REPAIR}; echo "${sleepEverywhere(number)}" > slow.sh`;
    const task = await approve(place.client, await file(place.client, intent, { base_branch: 'hasty' }));
    expect(task).toMatchObject({ status: 'FAILED', errorCode: 'SANDBOX_TIMEOUT', stage: 'sandbox' });
    await expectNothingLeft(number, task, place);
    await expectNothingDelivered(task, place);
  });

  it.concurrent('fails with its agent, and keeps what that said', async () => {
    const task = await approve(here.client, await file(here.client, `${REPAIR}; echo out of ideas >&2; exit 3`));
    expect(task).toMatchObject({ status: 'FAILED', errorCode: 'AGENT_FAILED', stage: 'agent' });
    expect(task.sentence).toContain('exit code 3');
    const log = await here.client.call('GET', `/api/v1/tasks/${task.taskId}/logs?name=agent`);
    expect(log.text).toContain('out of ideas');
    await expectNothingDelivered(task);
  });

  it.concurrent('fails with its tests, and is not delivered', async () => {
    const task = await approve(here.client, await file(here.client, 'echo "echo wrong" > sum.sh; echo "echo tried" > slow.sh'));
    expect(task).toMatchObject({
      status: 'FAILED',
      errorCode: 'TEST_FAILED',
      stage: 'sandbox',
      runResult: { testsResult: 'FAIL' },
    });
    expect((await here.client.call('GET', `/api/v1/tasks/${task.taskId}/logs?name=tests`)).text).toBe('tried\n');
    await expectNothingDelivered(task);
  });

  it.concurrent('is complete without a pull request when nothing changed', async () => {
    const task = await approve(here.client, await file(here.client, 'echo nothing to do'));
    expect(task).toMatchObject({ status: 'COMPLETED', errorCode: null, runResult: { hasDiff: false, testsResult: null } });
    expect(task.sentence).toContain('changed nothing');
    await expectNothingDelivered(task);
  });

  it.concurrent('is delivered, and cannot be cancelled any more', async () => {
    const task = await approve(here.client, await file(here.client, REPAIR));
    expect(task.status, task.sentence).toBe('COMPLETED');
    const { status, text } = await here.client.call('POST', `/api/v1/tasks/${task.taskId}/actions`, { action: 'cancel' });
    expect([status, text]).toEqual([409, expect.stringContaining('STATE_CONFLICT')]);
  });
});
