import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { addRepository } from '../../src/infra/git/snapshots.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { startServerDouble } from '../store/server-double/index.ts';
import type { Client } from '../support/client.ts';
import type { Fate } from '../support/rehearsal/fate.ts';
import { startS3 } from '../support/s3.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop } from '../support/workshop.ts';

/**
 * Machines with a data folder, snapshots and mirrors each; they share the event store, the artifacts, the remote and the forge. The forge is a
 * folder here, so each finds the first's at its own place.
 */
export const openMachines = async (
  more: Readonly<Record<string, string>> = {},
  artifacts: 'in a folder' | 'in a bucket' = 'in a folder',
) => {
  const server = await startServerDouble();
  const bucket = await startS3();
  const workshop = await openWorkshop();
  const { folder, dataFolder, origin } = workshop;
  const forge = join(folder, 'forge');
  await Promise.all([dataFolder, forge].map((place) => mkdir(place, { mode: 0o700 })));
  await symlink(forge, join(dataFolder, 'forge'));
  const shared = workshop.environment({
    AGENT_CLI_TEMPLATE: 'sed -i s/-/+/ sum.sh # $OKD_INTENT',
    EVENTSTORE_URL: server.url,
    ...(artifacts === 'in a bucket' ? bucket.environment : { ARTIFACT_DIR: join(folder, 'artifacts') }),
    ...more,
  });
  const started: ServiceProcess[] = [];
  const another = async (name: string): Promise<Record<string, string>> => {
    const [place, snapshots] = [join(folder, name), join(folder, `${name}-repos`)];
    await mkdir(place, { mode: 0o700 });
    await symlink(forge, join(place, 'forge'));
    await addRepository({ url: origin, name: 'acme/widgets', snapshotRoot: snapshots });
    return { DATA_DIR: place, REPO_SNAPSHOT_ROOT: snapshots };
  };
  const start = async (environment: Readonly<Record<string, string>>): Promise<ServiceProcess> => {
    const service = await startService(environment);
    started.push(service);
    return service;
  };
  return {
    workshop,
    server,
    bucket,
    first: (fate?: Fate, own = {}) => start({ ...shared, ...own, ...(fate && { REHEARSED_FATE: JSON.stringify(fate) }) }),
    second: async (own = {}) => start({ ...shared, ...(await another('second')), ...own }),
    third: async (own = {}) => start({ ...shared, ...(await another('third')), ...own }),
    [Symbol.asyncDispose]: async () => {
      for (const service of started) if (!service.hasEnded()) await service.end('SIGKILL');
      await server.stop();
      await bucket.stop();
      await workshop.remove();
    },
  };
};

const Deeds = z.object({
  events: z.array(
    z.object({
      type: z.string(),
      actor: z.string(),
      data: z.object({ stage: z.string().optional(), execution: z.int().optional() }),
    }),
  ),
});

/** Each event of the task with who caused it; claims also with what they took. */
export const deedsOf = async (client: Client, { taskId }: TaskView) => {
  const answer = await client.call('GET', `/api/v1/tasks/${taskId}/events`);
  const { events } = Deeds.parse(answer.json());
  return {
    /** Who made the first event of this type; `undefined`: nobody yet. */
    by: (type: string): string | undefined => events.find((event) => event.type === type)?.actor,
    /** Who took this execution of the stage; `undefined`: nobody yet. */
    claimedBy: (stage: string, execution: number): string | undefined =>
      events.find(({ data }) => data.stage === stage && data.execution === execution)?.actor,
  };
};

/** The task as this process shows it, once it is over. */
export const whenOver = async (client: Client, { taskId }: TaskView): Promise<TaskView> => {
  for (;;) {
    const answer = await client.call('GET', `/api/v1/tasks/${taskId}`);
    const task = answer.status === 200 ? answer.task() : undefined;
    if (task?.status === 'COMPLETED' || task?.status === 'FAILED') return task;
    await pause(50);
  }
};

export const isStopped = async ({ pid }: ServiceProcess): Promise<boolean> => {
  const status = await readFile(`/proc/${pid}/stat`, 'latin1');
  return status.slice(status.lastIndexOf(')') + 2).startsWith('T');
};
