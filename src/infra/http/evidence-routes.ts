import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ArtifactRef } from '../../domain/artifact.ts';
import { taskStream } from '../../domain/ids.ts';
import { TaskView } from '../../projections/task-view.ts';
import { timeline } from '../../projections/timeline.ts';
import { type Caller, demand } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { createTaskReader } from './task-reader.ts';

const TEXT = { 'content-type': 'text/plain; charset=UTF-8', 'x-content-type-options': 'nosniff' };

/** What a task left behind: its story, the patch, the logs; and the audit of everything. */
export const addEvidenceRoutes = (api: Api, options: ApiOptions): void => {
  const { artifacts, store, auditFile } = options;
  const reader = createTaskReader(options);

  const view = (caller: Caller, id: string): TaskView => TaskView.parse(JSON.parse(reader.find(caller, id).json));
  const read = async (ref: ArtifactRef | null | undefined, what: string): Promise<Buffer> => {
    if (!ref) throw new BadCall(404, 'INVALID_ACTION', `There is no ${what} of this task yet.`);
    return artifacts.get(ref);
  };

  api.get('/api/v1/tasks/:taskId/events', async (context) => {
    const { taskId } = reader.find(context.get('caller'), context.req.param('taskId'));
    const events = await Array.fromAsync(store.readStream(taskStream(taskId)));
    return context.json({ events: timeline(events) });
  });

  api.get('/api/v1/tasks/:taskId/patch', async (context) => {
    const { runResult } = view(context.get('caller'), context.req.param('taskId'));
    return context.body(new Uint8Array(await read(runResult?.patch, 'patch')), 200, TEXT);
  });

  api.get('/api/v1/tasks/:taskId/logs', async (context) => {
    const { runResult, errorLog } = view(context.get('caller'), context.req.param('taskId'));
    const logs = { agent: runResult?.agentLog ?? errorLog, tests: runResult?.testLog ?? null };
    const name = context.req.query('name');
    if (name === 'agent' || name === 'tests')
      return context.body(new Uint8Array(await read(logs[name], `${name} log`)), 200, TEXT);
    if (name !== undefined) throw new BadCall(400, 'VALIDATION_ERROR', 'Name "agent" or "tests", or none for both.');
    const parts = await Promise.all(
      (['agent', 'tests'] as const).map(async (log) =>
        logs[log] ? `== ${log} ==\n${(await read(logs[log], log)).toString()}\n` : '',
      ),
    );
    return context.body(parts.join(''), 200, TEXT);
  });

  api.get('/api/v1/audit.jsonl', async (context) => {
    demand(context.get('caller'), { right: 'administer', repo: '*' });
    const size = (await stat(auditFile).catch(() => undefined))?.size ?? 0;
    // Up to what is there now: a line that is being written is not sent half.
    const file = size === 0 ? Readable.from([]) : createReadStream(auditFile, { end: size - 1 });
    return context.body(Readable.toWeb(file) as ReadableStream, 200, { 'content-type': 'application/jsonl; charset=UTF-8' });
  });
};
