import { z } from '@hono/zod-openapi';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { addRoute, answers, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';
import { TaskParameters } from './task-schemas.ts';

const Redaction = z
  .strictObject({ revision: z.int().min(0).describe('Of the event, as the story of the task numbers it.') })
  .openapi('Redaction');

export const NOT_ERASABLE =
  'This log keeps what was written to it. Copy it without the texts: stop every service, then countersign store copy --redact.';

/** What a person must be able to have taken out of the log. */
export const addRedactionRoute = (api: Api, { redaction }: Pick<ApiOptions, 'redaction'>, reader: TaskReader): void => {
  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/tasks/{taskId}/redactions',
      name: 'redactEvent',
      summary:
        'Erase every text of one event of a task that is over, for admins. Its digest stays; artifacts and the forge are left as they are.',
      parameters: TaskParameters,
      body: Redaction,
      answers: { 200: answers(z.object({ position: z.string().nullable() })) },
    },
    async ({ caller, parameters, body }) => {
      const { taskId } = await reader.find(caller, parameters.taskId);
      if (!redaction) throw new BadCall(409, 'INVALID_ACTION', NOT_ERASABLE);
      const { position } = await redaction(caller.session, taskId, body.revision);
      await reader.fresh(position);
      return json({ position });
    },
  );
};
