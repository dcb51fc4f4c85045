import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type Answered, TaskAction } from '../../commands/door.ts';
import type { FoundTask } from '../views/queries.ts';
import type { Variables } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { answers, json, refusals, rendered } from './openapi.ts';
import { createTaskReader } from './task-reader.ts';
import {
  ActedDocument,
  ActionBody,
  Freshness,
  idempotencyKey,
  ListQuery,
  NewTaskBody,
  newTaskOf,
  preferredWaitMs,
  RerunBody,
  TaskCreatedDocument,
  TaskDocument,
  TaskListDocument,
  TaskParameters,
  taskActionOf,
} from './task-schemas.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

const MOVING: ReadonlySet<string> = new Set(['CREATED', 'RUNNING', 'PR_CREATED']);

/** It waits for a person, or is over. */
const settled = ({ status }: FoundTask): boolean => !MOVING.has(status);
const prepared = ({ status }: FoundTask): boolean => status !== 'CREATED';

/** Tasks: filing, reading, acting. The JSON of a task comes from the view as text; it was rendered when it changed. */
export const addTaskRoutes = (api: Api, options: ApiOptions): void => {
  const { door, views } = options;
  const reader = createTaskReader(options);

  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/tasks',
      summary: 'File a request for a change.',
      request: { body: json(NewTaskBody) },
      responses: { 201: answers(TaskCreatedDocument), ...refusals },
    }),
    async (context) => {
      const caller = context.get('caller');
      const key = idempotencyKey(context.req.header('idempotency-key'));
      const { taskId, position } = await door.createTask(caller.session, newTaskOf(context.req.valid('json')), key);
      await reader.fresh(position);
      const waitMs = preferredWaitMs(context.req.header('prefer'));
      const task =
        waitMs > 0 ? await reader.until(caller, taskId, prepared, waitMs, context.req.raw.signal) : reader.find(caller, taskId);
      const known = task.status === 'CREATED' ? null : task.status === 'WAIT_CLARIFY';
      return rendered(
        `{"task":${task.json},"next_status":"${task.status}","needs_clarify":${known},"expected_path":${JSON.stringify(task.repo)},"position":${JSON.stringify(position)}}`,
        201,
      );
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/tasks',
      summary: 'Tasks you may read, newest first.',
      request: { query: ListQuery },
      responses: { 200: answers(TaskListDocument), ...refusals },
    }),
    async (context) => {
      const { person } = context.get('caller');
      const { status, repo, requested_by, cursor, limit, min_position } = context.req.valid('query');
      await reader.fresh(min_position);
      const { tasks, next } = views.queries.listTasks({
        ...(status !== undefined && { status }),
        ...(repo !== undefined && { repo }),
        ...(requested_by !== undefined && { requestedBy: requested_by }),
        ...(cursor !== undefined && { cursor }),
        repositories: person.grants.map(({ repositories }) => repositories),
        limit: Math.min(LIMIT_MAX, Math.max(1, Number(limit ?? LIMIT_DEFAULT))),
      });
      return rendered(`{"tasks":[${tasks.join(',')}],"next_cursor":${JSON.stringify(next)}}`, 200);
    },
  );

  api.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/tasks/{taskId}',
      summary: 'One task, with everything that is known of it.',
      request: { params: TaskParameters, query: z.strictObject(Freshness) },
      responses: { 200: answers(TaskDocument), ...refusals },
    }),
    async (context) => {
      await reader.fresh(context.req.valid('query').min_position);
      const { json: task } = reader.find(context.get('caller'), context.req.valid('param').taskId);
      return rendered(`{"task":${task}}`, 200);
    },
  );

  /** The task after a command: at once with 202, or with 200 when the caller waited until nobody works on it. */
  const acted = async (context: Context<{ Variables: Variables }>, { taskId, position }: Answered, status: 201 | 202) => {
    const caller = context.get('caller');
    await reader.fresh(position);
    const waitMs = preferredWaitMs(context.req.header('prefer'));
    const task =
      waitMs > 0 ? await reader.until(caller, taskId, settled, waitMs, context.req.raw.signal) : reader.find(caller, taskId);
    const { runResult } = JSON.parse(task.json) as { runResult: unknown }; // Written by the projection.
    const body = `{"task":${task.json},"run_result":${JSON.stringify(runResult ?? null)},"position":${JSON.stringify(position)}}`;
    return rendered(body, waitMs > 0 && settled(task) && status === 202 ? 200 : status);
  };

  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/tasks/{taskId}/actions',
      summary: 'Approve, reject, ask, clarify, retry or cancel.',
      request: { params: TaskParameters, body: json(ActionBody) },
      responses: { 200: answers(ActedDocument), 202: answers(ActedDocument), ...refusals },
    }),
    async (context) => {
      const key = idempotencyKey(context.req.header('idempotency-key'));
      const { taskId } = context.req.valid('param');
      const answered = await door.act(context.get('caller').session, taskId, taskActionOf(context.req.valid('json')), key);
      return acted(context, answered, 202);
    },
  );

  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/tasks/{taskId}/rerun',
      summary: 'Start another attempt of a task that is over.',
      request: { params: TaskParameters, body: json(RerunBody) },
      responses: { 201: answers(ActedDocument), ...refusals },
    }),
    async (context) => {
      const key = idempotencyKey(context.req.header('idempotency-key'));
      const { actor: _, ...wish } = context.req.valid('json');
      const answered = await door.act(
        context.get('caller').session,
        context.req.valid('param').taskId,
        TaskAction.parse({ action: 'rerun', ...wish }),
        key,
      );
      return acted(context, answered, 201);
    },
  );
};
