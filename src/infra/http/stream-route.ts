import { z } from '@hono/zod-openapi';
import type { Position, RecordedEvent } from '../../domain/event-store.ts';
import { taskStream } from '../../domain/ids.ts';
import { may, type Person } from '../../domain/person/index.ts';
import { timeline } from '../../projections/timeline.ts';
import type { Caller } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { BadCall } from './problem.ts';
import { addRoute, answersText } from './routes.ts';

const TYPE = 'text/event-stream';

/** Watchers at the same time, of everybody and of one person; one more is told to come back. */
const WATCHERS_MAX = 100;
const WATCHERS_PER_PERSON_MAX = 20;
/** Keeps proxies from closing a quiet stream. */
const QUIET_MS = 15_000;
/** How long one message may wait for a slow reader before it is let go. */
const WRITE_MS = 10_000;
/** What a client waits before it comes back after the stream broke off. */
const COME_BACK_MS = 1_000;
const VIEW_WAIT_MS = 5_000;
/** Events between two looks at what the watcher may see. */
const EVENTS_PER_LOOK = 20;
/** Progress lines kept for one watcher while it reads; the oldest are dropped. */
const PROGRESS_KEPT_MAX = 100;

/** Instead of the lines of a stage that another process runs: silence would look as if it stood still. */
const ELSEWHERE = 'Another process of this service runs it: what it says is not heard here; its log is there when it is over.';
const TELLING: ReadonlySet<unknown> = new Set(['agent', 'sandbox']);

const isElsewhere = ({ type, data }: RecordedEvent, worker: string): boolean =>
  type === 'StageClaimed' && TELLING.has(Reflect.get(Object(data), 'stage')) && Reflect.get(Object(data), 'worker') !== worker;

const taskIdOf = (stream: string): string => stream.slice(taskStream('').length);

const message = (event: string, data: object, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** One watcher: every event after `after` of tasks that it may read, and what running stages say meanwhile. */
const watch = async (
  { store, views, people, progress, worker, clock }: ApiOptions,
  { person: { personId }, tokenHash }: Caller,
  after: Position | null,
  out: Outbox,
  signal: AbortSignal,
): Promise<void> => {
  /** Asked again and again: what was taken back is no longer shown. Throws when the token is worthless by now. */
  const watcher = (): Promise<Person> => people.byToken(personId, tokenHash, clock.now());
  const readable = (who: Person, stream: string): boolean => {
    const task = views.queries.getTask(taskIdOf(stream));
    return task !== undefined && may(who, { right: 'read', repo: task.repo });
  };

  let kept: { readonly stream: string; readonly at: string; readonly line: string }[] = [];
  let telling: Promise<void> | undefined;
  const tell = async (): Promise<void> => {
    while (kept.length > 0) {
      const who = await watcher();
      const lines = kept;
      kept = [];
      for (const { stream, at, line } of lines) {
        if (readable(who, stream)) await out.write(message('progress', { taskId: taskIdOf(stream), at, line }));
      }
    }
    telling = undefined;
  };
  const failed = Promise.withResolvers<never>();
  const stopListening = progress.listen((stream, line) => {
    kept.push({ stream, at: clock.now(), line });
    if (kept.length > PROGRESS_KEPT_MAX) kept.shift();
    telling ??= tell();
    telling.catch(failed.reject);
  });
  const quiet = setInterval(() => {
    watcher()
      .then(() => out.write(': still here\n\n'))
      .catch(failed.reject);
  }, QUIET_MS);

  const show = async (events: readonly RecordedEvent[]): Promise<void> => {
    const who = await watcher();
    for (const event of events) {
      const [line] = readable(who, event.stream) ? timeline([event]) : [];
      if (!line) continue;
      const taskId = taskIdOf(event.stream);
      await out.write(message('task', { taskId, ...line }, event.position));
      if (isElsewhere(event, worker)) await out.write(message('progress', { taskId, at: line.at, line: ELSEWHERE }));
    }
  };
  const follow = async (): Promise<void> => {
    // Whoever is cut off before the first event comes back to this very place.
    await out.write(`retry: ${COME_BACK_MS}\nid: ${after ?? ''}\n\n`);
    for await (const { events } of store.subscribe({
      after,
      streamPrefixes: [taskStream('')],
      batchSize: EVENTS_PER_LOOK,
      signal,
    })) {
      const last = events.at(-1);
      if (!last) continue;
      await views.waitFor(last.position, VIEW_WAIT_MS);
      await show(events);
    }
  };
  try {
    await Promise.race([follow(), failed.promise]);
  } finally {
    clearInterval(quiet);
    stopListening();
  }
};

/**
 * Server-sent events: `task` for every event of a task the caller may read (its id resumes the stream: `Last-Event-ID`), `progress` for what a
 * stage that runs in this process does now (not stored, not resumed).
 */
export const addStreamRoute = (api: Api, options: ApiOptions): void => {
  const { store } = options;
  const watchers = new Map<object, string>();

  const admit = (personId: string): void => {
    const own = [...watchers.values()].filter((watcher) => watcher === personId).length;
    if (watchers.size < WATCHERS_MAX && own < WATCHERS_PER_PERSON_MAX) return;
    throw new BadCall(429, 'RATE_LIMITED', 'Too many are watching. Close a watcher, or come back in a moment.');
  };

  const begin = async (lastEventId: string | undefined): Promise<Position | null> => {
    const head = await store.head();
    if (lastEventId === undefined || lastEventId === '') return head;
    // Positions differ in their digits only, and none is after the last.
    const shape = (position: string): string => position.replaceAll(/\d/g, '0');
    if (head !== null && shape(lastEventId) === shape(head) && lastEventId <= head) return lastEventId as Position;
    throw new BadCall(400, 'VALIDATION_ERROR', 'Last-Event-ID is none of an event of this stream. Begin without one.');
  };

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/events/stream',
      name: 'watch',
      summary: 'What happens to the tasks you may read, as it happens.',
      headers: z.object({
        'last-event-id': z.string().optional().openapi({ description: 'Goes on after this event, without gaps.' }),
      }),
      answers: { 200: answersText(TYPE, '`task` events, each with its position as id, and `progress` events.') },
    },
    async ({ caller, header, cutOff }) => {
      const after = await begin(header('last-event-id'));
      const { personId } = caller.person;
      admit(personId);
      const gone = new AbortController();
      watchers.set(gone, personId);
      const out = createOutbox(WRITE_MS, (why) => {
        gone.abort();
        if (why === 'slow') cutOff();
      });
      // It ends when the reader is gone or its token is; whoever may still watch comes back by itself.
      void watch(options, caller, after, out, gone.signal)
        .catch(() => undefined)
        .finally(() => {
          watchers.delete(gone);
          out.close();
        });
      return new Response(out.readable, { headers: { 'content-type': TYPE, 'x-accel-buffering': 'no' } });
    },
  );
};
