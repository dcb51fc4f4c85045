import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { act, approve, filed, type Office, openOffice, WAIT, type Worker } from './office.ts';

interface Message {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: { readonly taskId: string; readonly type?: string; readonly line?: string; readonly revision?: number };
}

interface Watcher {
  readonly status: number;
  readonly type: string | null;
  readonly seen: readonly Message[];
  /** Resolves to what was seen so far when that is enough. Rejects after ten seconds. */
  until(isEnough: (seen: readonly Message[]) => boolean): Promise<readonly Message[]>;
  /** Resolves when the service ended the stream. */
  readonly ended: Promise<void>;
  leave(): void;
}

const messageOf = (block: string): Message | undefined => {
  const lines = block.split('\n').filter((line) => line !== '' && !line.startsWith(':'));
  const fields = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]));
  const data = fields.get('data');
  return data === undefined
    ? undefined
    : { event: fields.get('event') ?? 'message', id: fields.get('id'), data: JSON.parse(data) };
};

const watch = async (url: string, worker: Worker, lastEventId?: string): Promise<Watcher> => {
  const leaving = new AbortController();
  const response = await fetch(`${url}/api/v1/events/stream`, {
    headers: {
      authorization: `Bearer ${worker.token}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal: leaving.signal,
  });
  const seen: Message[] = [];
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const blocks = (rest + text).split('\n\n');
      rest = blocks.pop() ?? '';
      seen.push(...blocks.map(messageOf).filter((message) => message !== undefined));
      for (const check of waiting) check();
    }
  };
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    seen,
    ended: read().catch(() => undefined),
    leave: () => leaving.abort(),
    until: (isEnough) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`not seen; only ${JSON.stringify(seen).slice(0, 2_000)}`)), 10_000);
        const check = (): void => {
          if (!isEnough(seen)) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(seen);
        };
        waiting.add(check);
        check();
      }),
  };
};

const isOver = (seen: readonly Message[]): boolean => seen.some(({ data }) => data.type === 'TaskCompleted');
const tasksOf = (seen: readonly Message[]): readonly Message[] => seen.filter(({ event }) => event === 'task');

describe('Watching over the HTTP API', () => {
  let office: Office;
  let admin: Worker;

  beforeAll(async () => {
    office = await openOffice();
    ({ admin } = office);
    await admin.call('POST', '/api/v1/repositories', { url: office.workshop.origin, name: 'other/gadgets' });
  });
  afterAll(() => office?.close());

  it('shows each event of a task once, in their order, as they happen', async () => {
    const watcher = await watch(office.url, admin);
    expect([watcher.status, watcher.type]).toEqual([200, 'text/event-stream']);
    const task = await filed(admin);
    await watcher.until((seen) => seen.some(({ data }) => data.type === 'RequestPrepared'));
    await approve(admin, task);
    const seen = tasksOf(await watcher.until(isOver));
    const { events } = (await admin.call('GET', `/api/v1/tasks/${task.taskId}/events`)).json() as {
      events: { type: string; position: string }[];
    };
    expect(seen.map(({ data }) => data.type)).toEqual(events.map(({ type }) => type));
    expect(seen.map(({ id }) => id)).toEqual(events.map(({ position }) => position));
    watcher.leave();
  });

  it('goes on where it was cut off, without a gap and without a repetition', async () => {
    const first = await watch(office.url, admin);
    const task = await filed(admin);
    const [begin] = tasksOf(await first.until((seen) => tasksOf(seen).length > 0));
    first.leave();
    await approve(admin, task, WAIT);

    const whole: Message[] = begin ? [begin] : [];
    for (let last = begin?.id; !isOver(whole); last = whole.at(-1)?.id) {
      const next = await watch(office.url, admin, last);
      whole.push(...tasksOf(await next.until((seen) => seen.length > 0)).slice(0, 2));
      next.leave();
    }
    expect(whole.map(({ data }) => data.revision)).toEqual(whole.map((_, index) => index));
  });

  it('tells from where to come back before anything happened', async () => {
    const { body } = await fetch(`${office.url}/api/v1/events/stream`, { headers: { authorization: `Bearer ${admin.token}` } });
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    const begin = (await reader?.read())?.value ?? '';
    expect(begin).toMatch(/^retry: \d+\nid: \d+\n\n$/);
    await reader?.cancel();
  });

  it('tells what a running stage does', async () => {
    const watcher = await watch(office.url, admin);
    const task = await filed(admin, { intent: 'Slowly mend it.' });
    await approve(admin, task);
    const steps = (seen: readonly Message[]) =>
      seen.filter(({ event, data }) => event === 'progress' && data.taskId === task.taskId).map(({ data }) => data.line ?? '');
    await watcher.until((seen) => steps(seen).join('\n').includes('step 3'));
    // It was told while the agent was at work, not when it was done.
    expect((await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task().stage).toBe('agent');
    await act(admin, task, { action: 'cancel' });
    watcher.leave();
  });

  it('shows nothing of repositories that the watcher may not read', async () => {
    const viewer = await office.hire(['viewer', 'acme/*']);
    const watcher = await watch(office.url, viewer);
    const hidden = await filed(admin, { repo: 'other/gadgets', intent: 'Slowly.' });
    await approve(admin, hidden, WAIT);
    const shown = await filed(admin);
    await watcher.until((seen) => seen.some(({ data }) => data.taskId === shown.taskId));
    expect(watcher.seen.some(({ data }) => data.taskId === hidden.taskId)).toBe(false);
    watcher.leave();
  });

  it('ends for a token that is revoked, before anything more is seen', async () => {
    const viewer = await office.hire(['viewer', '*']);
    // The person has another token: it is the token that counts.
    await admin.call('POST', `/api/v1/people/${viewer.personId}/tokens`, { name: 'Another' });
    const watcher = await watch(office.url, viewer);
    const seen = await filed(admin);
    await watcher.until((messages) => messages.some(({ data }) => data.taskId === seen.taskId));
    await admin.call('DELETE', `/api/v1/people/${viewer.personId}/tokens/${viewer.tokenId}`);
    const unseen = await filed(admin);
    await watcher.ended;
    expect(watcher.seen.some(({ data }) => data.taskId === unseen.taskId)).toBe(false);
    expect((await watch(office.url, viewer)).status).toBe(401);
  });

  it('shows nothing more to whom the role was taken back', async () => {
    const viewer = await office.hire(['viewer', '*']);
    const watcher = await watch(office.url, viewer);
    await admin.call('DELETE', `/api/v1/people/${viewer.personId}/roles`, { role: 'viewer', repositories: '*' });
    const unseen = await filed(admin);
    await admin.call('POST', `/api/v1/people/${viewer.personId}/roles`, { role: 'viewer', repositories: '*' });
    const seen = await filed(admin);
    await watcher.until((messages) => messages.some(({ data }) => data.taskId === seen.taskId));
    expect(watcher.seen.some(({ data }) => data.taskId === unseen.taskId && data.revision === 0)).toBe(false);
    watcher.leave();
  });

  it('is for so many of one person, and for others when one leaves', async () => {
    const viewer = await office.hire(['viewer', '*']);
    const watchers = await Promise.all(Array.from({ length: 20 }, () => watch(office.url, viewer)));
    expect(new Set(watchers.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await fetch(`${office.url}/api/v1/events/stream`, { headers: { authorization: `Bearer ${viewer.token}` } });
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    await refused.body?.cancel();
    expect((await watch(office.url, admin)).status).toBe(200);
    watchers[0]?.leave();
    await expect.poll(async () => (await watch(office.url, viewer)).status, { timeout: 5_000, interval: 100 }).toBe(200);
    for (const watcher of watchers) watcher.leave();
  });

  it.each(['x', '1', '9'.repeat(16), '../..', '0'.repeat(15), '00000000.0000001', '0'.repeat(60)])(
    'does not go on after %s',
    async (id) => {
      const answer = await admin.call('GET', '/api/v1/events/stream', undefined, { 'last-event-id': id });
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
    },
  );

  it('ends when the service does', async () => {
    const watcher = await watch(office.url, admin);
    const begin = performance.now();
    await office.reopen();
    await watcher.ended;
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});
