import type { Answered } from '../../commands/door.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { FoundTask } from '../views/task-queries.ts';
import type { Api, ApiOptions } from './context.ts';
import { addRoute, answers, type Call, rendered } from './routes.ts';
import { createRunResults } from './run-result.ts';
import type { TaskReader } from './task-reader.ts';
import {
  ActedDocument,
  ActionBody,
  ChangeHeaders,
  FreshQuery,
  idempotencyKey,
  ListQuery,
  limitOf,
  NewTaskBody,
  newTaskOf,
  preferredWaitSeconds,
  RerunBody,
  rerunOf,
  TaskCreatedDocument,
  TaskDocument,
  TaskListDocument,
  TaskParameters,
  taskActionOf,
} from './task-schemas.ts';

const MOVING: ReadonlySet<string> = new Set(['CREATED', 'RUNNING', 'PR_CREATED']);

/** It waits for a person, or is over. */
const settled = ({ status }: FoundTask): boolean => !MOVING.has(status);
const prepared = ({ status }: FoundTask): boolean => status !== 'CREATED';

type AnyCall = Pick<Call<undefined, undefined, undefined>, 'caller' | 'header' | 'signal'>;

/** Tasks: filing, reading, acting. The JSON of a task comes from the view as text. */
export const addTaskRoutes = (api: Api, { door, views, artifacts }: ApiOptions, reader: TaskReader): void => {
  const runResultOf = createRunResults(artifacts);

  const withResult = async ({ json }: FoundTask): Promise<string> => {
    const { runResult }: TaskView = JSON.parse(json); // Written by the projection.
    return `{"task":${json},"run_result":${JSON.stringify(runResult && (await runResultOf(runResult)))}`;
  };

  /** The task as it is at once, or, for a caller who prefers to wait, when `holds` or that time is over. */
  const waited = async (call: AnyCall, task: FoundTask, holds: (task: FoundTask) => boolean) => {
    const seconds = preferredWaitSeconds(call.header('prefer'));
    if (seconds === 0) return { task, headers: {} };
    const later = await reader.until(call.caller, task.taskId, holds, seconds * 1_000, call.signal);
    return { task: later, headers: { 'preference-applied': `wait=${seconds}` } };
  };

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/tasks',
      name: 'fileTask',
      summary: 'File a request for a change.',
      headers: ChangeHeaders,
      body: NewTaskBody,
      answers: { 201: answers(TaskCreatedDocument) },
    },
    async (call) => {
      const key = idempotencyKey(call.header('idempotency-key'));
      const answered = await door.createTask(call.caller.session, newTaskOf(call.body), key);
      const { task, headers } = await waited(call, await reader.filed(call.caller, answered), prepared);
      const { status, repo, json } = task;
      const needsClarify = status === 'CREATED' ? null : status === 'WAIT_CLARIFY';
      const position = JSON.stringify(answered.position);
      return rendered(
        `{"task":${json},"next_status":"${status}","needs_clarify":${needsClarify},"expected_path":${JSON.stringify(repo)},"position":${position}}`,
        201,
        headers,
      );
    },
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/tasks',
      name: 'listTasks',
      summary: 'Tasks you may read, newest first.',
      query: ListQuery,
      answers: { 200: answers(TaskListDocument) },
    },
    async ({ caller, query }) => {
      const { status, repo, requested_by, cursor, limit, min_position } = query;
      await reader.fresh(min_position);
      const { tasks, next } = views.queries.listTasks({
        ...(status !== undefined && { status }),
        ...(repo !== undefined && { repo }),
        ...(requested_by !== undefined && { requestedBy: requested_by }),
        ...(cursor !== undefined && { cursor }),
        repositories: caller.person.grants.map(({ repositories }) => repositories),
        limit: limitOf(limit),
      });
      return rendered(`{"tasks":[${tasks.join(',')}],"next_cursor":${JSON.stringify(next)}}`);
    },
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/tasks/{taskId}',
      name: 'getTask',
      summary: 'One task, with everything that is known of it.',
      parameters: TaskParameters,
      query: FreshQuery,
      answers: { 200: answers(TaskDocument) },
    },
    async ({ caller, parameters, query }) => {
      await reader.fresh(query.min_position);
      return rendered(`${await withResult(await reader.find(caller, parameters.taskId))}}`);
    },
  );

  const acted = async (call: AnyCall, { taskId, position }: Answered, status: 201 | 202): Promise<Response> => {
    await reader.fresh(position);
    const { task, headers } = await waited(call, await reader.find(call.caller, taskId), settled);
    const isOver = 'preference-applied' in headers && settled(task);
    return rendered(
      `${await withResult(task)},"position":${JSON.stringify(position)}}`,
      isOver && status === 202 ? 200 : status,
      headers,
    );
  };

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/tasks/{taskId}/actions',
      name: 'actOnTask',
      summary: 'Approve, reject, ask, clarify, retry or cancel.',
      parameters: TaskParameters,
      headers: ChangeHeaders,
      body: ActionBody,
      answers: {
        200: answers(ActedDocument, 'The caller waited, and nobody works on the task any more.'),
        202: answers(ActedDocument, 'It is recorded; the work goes on.'),
      },
    },
    async (call) => {
      const key = idempotencyKey(call.header('idempotency-key'));
      const { taskId } = await reader.find(call.caller, call.parameters.taskId);
      return acted(call, await door.act(call.caller.session, taskId, taskActionOf(call.body), key), 202);
    },
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/tasks/{taskId}/rerun',
      name: 'rerunTask',
      summary: 'Start another attempt of a task that is over.',
      parameters: TaskParameters,
      headers: ChangeHeaders,
      body: RerunBody,
      answers: { 201: answers(ActedDocument) },
    },
    async (call) => {
      const key = idempotencyKey(call.header('idempotency-key'));
      const { taskId } = await reader.find(call.caller, call.parameters.taskId);
      return acted(call, await door.act(call.caller.session, taskId, rerunOf(call.body), key), 201);
    },
  );
};
