import { z } from '@hono/zod-openapi';
import { ArtifactMissing } from '../../commands/ports/artifacts.ts';
import type { ArtifactRef } from '../../domain/artifact.ts';
import { taskStream } from '../../domain/ids.ts';
import { taskLogs } from '../../projections/task-logs.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { timeline } from '../../projections/timeline.ts';
import type { Caller } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { underPressure } from './pressure.ts';
import { BadCall } from './problem.ts';
import { addRoute, answers, answersText, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';
import { TaskParameters } from './task-schemas.ts';

const TimelineDocument = z
  .object({
    events: z.array(
      z.object({
        at: z.string(),
        actor: z.string(),
        channel: z.string(),
        type: z.string(),
        sentence: z.string(),
        data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
        revision: z.int().min(0),
        position: z.string(),
      }),
    ),
  })
  .openapi('Timeline');

/** Each is held whole until it was compared with its digest. What waits for its reader after that is bounded in `server.ts`. */
const READ_AT_ONCE_MAX = 8;
const TOO_MANY_READ = 'Too many patches and logs are being read. Ask again in a while.';

/** What agents and tests wrote is shown as text, whatever it says it is. */
const text = (...parts: readonly Buffer[]): Response =>
  new Response(Buffer.concat(parts), { headers: { 'content-type': 'text/plain; charset=UTF-8' } });

/** What a task left behind: its story, the patch, the logs. */
export const addEvidenceRoutes = (api: Api, { artifacts, store }: ApiOptions, reader: TaskReader): void => {
  const view = async (caller: Caller, id: string): Promise<TaskView> => JSON.parse((await reader.find(caller, id)).json); // Written by the projection.

  const reading = underPressure(READ_AT_ONCE_MAX, TOO_MANY_READ);
  const read = reading(async (ref: ArtifactRef | null | undefined, what: string): Promise<Buffer> => {
    if (!ref) throw new BadCall(404, 'INVALID_ACTION', `There is no ${what} of this task yet.`);
    try {
      return await artifacts.get(ref);
    } catch (error) {
      if (error instanceof ArtifactMissing)
        throw new BadCall(404, 'INVALID_ACTION', `The ${what} of this task is not kept any more; a backup may hold it.`);
      throw new BadCall(503, 'UNAVAILABLE', `The ${what} cannot be read, or is damaged. Try again, or restore it from a backup.`);
    }
  });

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/tasks/{taskId}/events',
      name: 'readTimeline',
      summary: 'The story of a task, an entry for each of its events.',
      parameters: TaskParameters,
      answers: { 200: answers(TimelineDocument) },
    },
    async ({ caller, parameters }) => {
      const { taskId } = await reader.find(caller, parameters.taskId);
      return json({ events: timeline(await Array.fromAsync(store.readStream(taskStream(taskId)))) });
    },
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/tasks/{taskId}/patch',
      name: 'readPatch',
      summary: 'The patch of the latest attempt, as git writes it.',
      parameters: TaskParameters,
      answers: { 200: answersText('text/plain', 'The patch.') },
    },
    async ({ caller, parameters }) => {
      const { runResult } = await view(caller, parameters.taskId);
      return text(await read(runResult?.artifacts.patch, 'patch'));
    },
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/tasks/{taskId}/logs',
      name: 'readLogs',
      summary: 'What the agent and the tests printed.',
      parameters: TaskParameters,
      query: z.strictObject({ name: z.enum(['agent', 'tests']).optional().openapi({ description: 'Only this one.' }) }),
      answers: { 200: answersText('text/plain', 'The log, or both with a line before each.') },
    },
    async ({ caller, parameters, query }) => {
      const logs = taskLogs(await view(caller, parameters.taskId));
      if (query.name !== undefined) return text(await read(logs[query.name], `${query.name} log`));
      const names = (['agent', 'tests'] as const).filter((name) => logs[name]);
      const parts = names.map(async (name) => [
        Buffer.from(`== ${name} ==\n`),
        await read(logs[name], `${name} log`),
        Buffer.from('\n'),
      ]);
      return text(...(await Promise.all(parts)).flat());
    },
  );
};
