import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { TaskView } from '../../src/projections/task-view.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import { act, type Client, file } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop } from '../support/workshop.ts';
import { absolute, type Figure, median, percentile } from './figure.ts';

const KILLS = { alone: 40, among: 20 } as const;
/** Silence after which a worker is taken for dead, in seconds: a tenth of what it is in life. Source: test/support/rehearsal/stage.ts. */
const LEASE_S = 3;
const LONG_AGENT = 'sleep 60; date +%N > now.txt # $OKD_INTENT';

const Story = z.object({ events: z.array(z.object({ type: z.string(), at: z.string() })) });

/** When the agent's stage was claimed for the `nth` time, in milliseconds since 1970. */
const claimedAt = async (client: Client, { taskId }: TaskView, nth: number): Promise<number> => {
  for (;;) {
    const { events } = Story.parse((await client.call('GET', `/api/v1/tasks/${taskId}/events`)).json());
    const claim = events.filter(({ type }) => type === 'StageClaimed')[nth - 1];
    if (claim) return Date.parse(claim.at);
    await pause(20);
  }
};

const approved = async (client: Client, intent: string): Promise<TaskView> => {
  const task = await file(client, intent);
  const action = { action: 'approve', approval_digest: task.approval?.digest };
  await client.call('POST', `/api/v1/tasks/${task.taskId}/actions`, action);
  await claimedAt(client, task, 1);
  return task;
};

/** Seconds from a kill to the next claim of the stage that was killed, by `takeOver`; the agent has run for a moment then. */
const killed = async (
  victim: ServiceProcess,
  task: TaskView,
  round: number,
  takeOver: () => Promise<Client>,
): Promise<number> => {
  await pause(100 + ((round * 137) % 400));
  const at = Date.now();
  await victim.end('SIGKILL');
  const client = await takeOver();
  const again = await claimedAt(client, task, 2);
  await act(client, task, { action: 'cancel' });
  return (again - at) / 1_000;
};

/** On SQLite the next process is started at once, as a supervisor would. */
const alone = async (): Promise<number[]> => {
  const workshop = await openWorkshop();
  const environment = workshop.environment({ AGENT_CLI_TEMPLATE: LONG_AGENT });
  let service = await startService(environment, null);
  const took: number[] = [];
  try {
    for (let round = 0; round < KILLS.alone; round++) {
      const task = await approved(service.client, `Round ${round}`);
      const seconds = await killed(service, task, round, async () => {
        service = await startService(environment, null);
        return service.client;
      });
      took.push(seconds);
    }
    return took;
  } finally {
    await service.end('SIGTERM');
    await workshop.remove();
  }
};

/** On EventStoreDB another worker is there already, and notices. */
const among = async (): Promise<number[]> => {
  const server = await startServerDouble();
  const workshop = await openWorkshop();
  const start = async (role: string, name: string): Promise<ServiceProcess> => {
    const place = join(workshop.folder, name);
    await mkdir(place, { mode: 0o700 });
    const shared = {
      AGENT_CLI_TEMPLATE: LONG_AGENT,
      EVENTSTORE_URL: server.url,
      ARTIFACT_DIR: join(workshop.folder, 'artifacts'),
    };
    return startService({ ...workshop.environment(shared), ROLE: role, DATA_DIR: place });
  };
  const api = await start('api', 'api');
  let worker = await start('worker', 'worker-0');
  const took: number[] = [];
  try {
    for (let round = 0; round < KILLS.among; round++) {
      const task = await approved(api.client, `Round ${round}`);
      const next = await start('worker', `worker-${round + 1}`);
      took.push(await killed(worker, task, round, async () => api.client));
      worker = next;
    }
    return took;
  } finally {
    await worker.end('SIGTERM');
    await api.end('SIGTERM');
    await server.stop();
    await workshop.remove();
  }
};

/** From `kill -9` in the middle of an agent to the next execution of its stage. */
export const recovery = async (): Promise<Figure[]> => {
  const [sqlite, workers] = [await alone(), await among()];
  return [
    absolute('SQLite: kill -9 to the next execution, started anew, median', median(sqlite), 's', '<= 2'),
    absolute('the same, 95th percentile', percentile(sqlite, 0.95), 's', '<= 2'),
    absolute(
      `workers with a lease of ${LEASE_S} s: kill -9 to the next execution, median`,
      median(workers),
      's',
      `<= ${LEASE_S + 2}`,
    ),
    absolute('the same, 95th percentile', percentile(workers, 0.95), 's', `<= ${LEASE_S + 2}`),
  ];
};
