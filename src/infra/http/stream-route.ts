import { streamSSE } from 'hono/streaming';
import type { Position, RecordedEvent } from '../../domain/event-store.ts';
import { taskStream } from '../../domain/ids.ts';
import { may, type Person } from '../../domain/person/index.ts';
import { timeline } from '../../projections/timeline.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';

/** Watchers at the same time; one more is told to come back. */
const WATCHERS_MAX = 100;
/** Keeps proxies from closing a quiet stream. */
const QUIET_MS = 15_000;
/** How long one message may wait for a slow reader before it is let go. */
const WRITE_MS = 10_000;
const VIEW_WAIT_MS = 5_000;
/** Progress lines kept for one watcher while it reads; the oldest are dropped. */
const PROGRESS_KEPT_MAX = 100;

/**
 * Server-sent events: `task` for every event of a task the caller may read (its id resumes the stream: `Last-Event-ID`), `progress` for what a
 * running stage does now (not stored, not resumed).
 */
export const addStreamRoute = (api: Api, { store, views, progress, people, clock }: ApiOptions): void => {
  let watchers = 0;

  const readable = (person: Person, stream: string): boolean => {
    const task = views.queries.getTask(stream.slice(taskStream('').length));
    return task !== undefined && may(person, { right: 'read', repo: task.repo });
  };

  api.get('/api/v1/events/stream', async (context) => {
    if (watchers >= WATCHERS_MAX) throw new BadCall(429, 'RATE_LIMITED', 'Too many are watching. Come back in a moment.');
    const { personId } = context.get('caller').person;
    const resumed = context.req.header('last-event-id');
    if (resumed !== undefined && !/^[\x21-\x7e]{1,64}$/.test(resumed)) {
      throw new BadCall(400, 'VALIDATION_ERROR', 'Last-Event-ID is the id of an event of this stream.');
    }
    const after = resumed === undefined ? await store.head() : (resumed as Position);
    watchers++;

    return streamSSE(context, async (out) => {
      const ended = new AbortController();
      out.onAbort(() => ended.abort());
      context.req.raw.signal.addEventListener('abort', () => ended.abort());
      const waiting: { stream: string; line: string }[] = [];

      const write = async (message: { event: string; data: string; id?: string }): Promise<void> => {
        const tooSlow = setTimeout(() => ended.abort(), WRITE_MS);
        await out.writeSSE(message);
        clearTimeout(tooSlow);
      };
      const person = async (): Promise<Person> => {
        // Read anew each time: what was taken back is no longer shown.
        const found = await people.get(personId);
        if (!found) ended.abort();
        return found ?? context.get('caller').person;
      };
      const flushProgress = async (): Promise<void> => {
        const watcher = await person();
        for (const { stream, line } of waiting.splice(0)) {
          if (!readable(watcher, stream)) continue;
          await write({
            event: 'progress',
            data: JSON.stringify({ taskId: stream.slice(taskStream('').length), at: clock.now(), line }),
          });
        }
      };
      const writeEvent = async (watcher: Person, event: RecordedEvent): Promise<void> => {
        if (!readable(watcher, event.stream)) return;
        const [line] = timeline([event]);
        if (line)
          await write({ event: 'task', id: event.position, data: JSON.stringify({ taskId: event.stream.slice(5), ...line }) });
      };

      const stopListening = progress.listen((stream, line) => {
        waiting.push({ stream, line });
        if (waiting.length > PROGRESS_KEPT_MAX) waiting.shift();
        void flushProgress().catch(() => ended.abort());
      });
      const quiet = setInterval(() => void out.write(': still here\n\n').catch(() => ended.abort()), QUIET_MS);
      try {
        for await (const batch of store.subscribe({
          after,
          streamPrefixes: [taskStream('')],
          batchSize: 100,
          signal: ended.signal,
        })) {
          const last = batch.events.at(-1);
          if (!last) continue;
          await views.waitFor(last.position, VIEW_WAIT_MS);
          const watcher = await person();
          for (const event of batch.events) await writeEvent(watcher, event);
        }
      } finally {
        watchers--;
        clearInterval(quiet);
        stopListening();
      }
    });
  });
};
