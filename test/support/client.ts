import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TaskView } from '../../src/projections/task-view.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** The body as JSON; throws when it is none. */
  json(): unknown;
  /** The task in the body, held against its schema. */
  task(): TaskView;
}

export interface Client {
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** Speaks HTTP with the service of a data folder, as its local admin. */
export const clientOf = async (dataFolder: string): Promise<Client> => {
  const file = z.object({ url: z.string(), token: z.string() });
  const { url, token } = file.parse(JSON.parse(await readFile(join(dataFolder, 'service.json'), 'utf8')));
  return {
    call: async (method, path, body, headers = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const json = (): unknown => JSON.parse(text);
      return {
        status: response.status,
        text,
        headers: response.headers,
        json,
        task: () => z.object({ task: TaskView }).parse(json()).task,
      };
    },
  };
};

const WAIT = { prefer: 'wait=60' };

/** Files a request and waits until it was prepared. */
export const file = async (client: Client, intent: string, more: object = {}): Promise<TaskView> =>
  (await client.call('POST', '/api/v1/tasks', { intent, ...more }, WAIT)).task();

/** Approves what the open gate shows and waits until nobody works on the task. */
export const approve = async (client: Client, { taskId, approval }: TaskView): Promise<TaskView> =>
  (
    await client.call('POST', `/api/v1/tasks/${taskId}/actions`, { action: 'approve', approval_digest: approval?.digest }, WAIT)
  ).task();

/** Does something else to a task and waits until nobody works on it. */
export const act = async (client: Client, { taskId }: Pick<TaskView, 'taskId'>, action: object): Promise<TaskView> =>
  (await client.call('POST', `/api/v1/tasks/${taskId}/actions`, action, WAIT)).task();

/** Starts another attempt of a task that is over and waits until it was prepared. */
export const rerun = async (client: Client, { taskId }: Pick<TaskView, 'taskId'>, feedback?: string): Promise<TaskView> =>
  (await client.call('POST', `/api/v1/tasks/${taskId}/rerun`, feedback === undefined ? {} : { feedback }, WAIT)).task();

/** The task as it is now. */
export const look = async (client: Client, { taskId }: Pick<TaskView, 'taskId'>): Promise<TaskView> =>
  (await client.call('GET', `/api/v1/tasks/${taskId}`)).task();
