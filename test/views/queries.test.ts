import { describe, expect, it } from 'vitest';
import { type Happened, sealed } from '../../src/domain/event.ts';
import type { EventStore, Position } from '../../src/domain/event-store.ts';
import { derivedId } from '../../src/domain/ids.ts';
import type { PersonEvent } from '../../src/domain/person/events.ts';
import { InvalidCursor } from '../../src/infra/views/listing.ts';
import type { TaskFilter } from '../../src/infra/views/task-queries.ts';
import type { Views } from '../../src/infra/views/views.ts';
import { PersonView } from '../../src/projections/people.ts';
import { TaskSummary } from '../../src/projections/task-view.ts';
import { stageReleased, taskCreated, untilAgent, untilCompleted, untilPatchGate, untilPrepared } from '../domain/task/events.ts';
import { ANNA, BERT, minutesAfter, NOON, TOMORROW, text, uuid, WORKER } from '../domain/task/samples.ts';
import { aFolder, aStore, theViews } from './places.ts';
import { taskIdOf, tell, tellMany } from './stories.ts';

const viewed = async (count: number, historyOf: (number: number) => readonly Happened[]) => {
  const folder = aFolder();
  const store = aStore(folder);
  await tellMany(store, count, historyOf);
  const views = await theViews(folder, store);
  await views.ready;
  return { store, views };
};

const ids = (texts: readonly string[]): string[] => texts.map((json) => TaskSummary.parse(JSON.parse(json)).taskId);

const allPages = (views: Views, filter: Omit<TaskFilter, 'cursor'>): string[] => {
  const found: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = views.queries.listTasks({ ...filter, ...(cursor !== undefined && { cursor }) });
    found.push(...ids(page.tasks));
    cursor = page.next;
  }
  return found;
};

describe('The list of tasks', () => {
  it('shows every task once, newest first, page by page, while others are added', async () => {
    const { store, views } = await viewed(57, () => untilPrepared);
    const first = views.queries.listTasks({ limit: 20 });
    await views.waitFor(await tell(store, 500, untilPrepared), 5_000);
    const second = views.queries.listTasks({ limit: 20, cursor: first.next ?? '' });
    const third = views.queries.listTasks({ limit: 20, cursor: second.next ?? '' });

    const found = [first, second, third].flatMap(({ tasks }) => ids(tasks));
    expect(found).toHaveLength(57);
    expect(new Set(found).size).toBe(57);
    expect(third.next).toBeNull();
    expect(allPages(views, { limit: 7 })).toEqual([taskIdOf(500), ...found]);
  });

  it('ends without a page that is empty', async () => {
    const { views } = await viewed(20, () => untilPrepared);
    expect(views.queries.listTasks({ limit: 20 }).next).toBeNull();
    expect(views.queries.listTasks({ limit: 20, status: 'FAILED' })).toEqual({ tasks: [], next: null });
  });

  it('is filtered by status, repository and person', async () => {
    const other = [taskCreated({ repo: 'other/one' }, { actor: BERT })];
    const { views } = await viewed(30, (number) => [untilPrepared, untilCompleted, other][number % 3] ?? []);

    expect(allPages(views, { limit: 4, status: 'COMPLETED' })).toHaveLength(10);
    expect(allPages(views, { limit: 4, repo: 'other/one' })).toHaveLength(10);
    expect(allPages(views, { limit: 4, requestedBy: ANNA })).toHaveLength(20);
    expect(allPages(views, { limit: 4, requestedBy: ANNA, status: 'COMPLETED', repo: 'acme/shop' })).toHaveLength(10);
    expect(allPages(views, { limit: 4, repo: 'other/one', status: 'COMPLETED' })).toEqual([]);
  });

  it.each([
    [['*'], 6],
    [['acme/*'], 3],
    [['acme/shop', 'other/one'], 6],
    [['acme'], 0],
    [['ac%', 'acm_/shop'], 0],
    [[], 0],
  ])('shows only repositories that %j covers', async (repositories, count) => {
    const other = [taskCreated({ repo: 'other/one' })];
    const { views } = await viewed(6, (number) => (number % 2 ? untilPrepared : other));
    expect(allPages(views, { limit: 2, repositories })).toHaveLength(count);
  });

  it.each(['', 'x', '0', Buffer.from('t0').toString('base64url'), Buffer.from('t-1').toString('base64url')])(
    'refuses %j as a cursor',
    async (cursor) => {
      const { views } = await viewed(1, () => untilPrepared);
      expect(() => views.queries.listTasks({ limit: 1, cursor })).toThrow(InvalidCursor);
    },
  );

  it('counts what a person has waiting', async () => {
    const { views } = await viewed(12, (number) => [untilPrepared, untilCompleted, untilPatchGate, untilAgent][number % 4] ?? []);
    expect(views.queries.countWaiting(ANNA)).toBe(6);
    expect(views.queries.countWaiting(BERT)).toBe(0);
  });
});

describe('A task', () => {
  it('is found by a beginning of its id that no other has, with or without dashes, in either case', async () => {
    const { views } = await viewed(3, () => untilPrepared);
    const id = taskIdOf(1);
    for (const typed of [id, id.slice(0, 6), id.replaceAll('-', '').slice(0, 12), id.toUpperCase()]) {
      expect(views.queries.findTaskByPrefix(typed)).toMatchObject({ taskId: id });
    }
    expect(views.queries.find(id.slice(0, 8))).toMatchObject({ taskId: id, attempt: 1, approvalDigest: expect.any(String) });
  });

  it('is not found by anything else', async () => {
    const { views } = await viewed(3, () => untilPrepared);
    for (const typed of ['', taskIdOf(1).slice(0, 5), 'ffffffff', "' OR 1=1 --", '%', `${taskIdOf(1)}0`]) {
      expect(views.queries.findTaskByPrefix(typed)).toBe('none');
    }
  });

  it('is not guessed when two ids begin so', async () => {
    const { store, views } = await viewed(1, () => untilPrepared);
    const twin = `${taskIdOf(0).slice(0, 8)}-0000-5000-8000-000000000000`;
    const { position } = await store.append(
      `task-${twin}`,
      sealed(`task-${twin}`, [twinCreated(twin)], command('twin'), 0, ''),
      'no_stream',
    );
    await views.waitFor(position, 5_000);

    expect(views.queries.findTaskByPrefix(twin.slice(0, 8))).toBe('ambiguous');
    expect(views.queries.findTaskByPrefix(twin)).toMatchObject({ taskId: twin });
  });
});

const command = (name: string) => ({ id: uuid(name), type: 'X', data: {}, actor: ANNA, channel: 'http', at: NOON });
const twinCreated = (taskId: string) => ({ type: 'TaskCreated', data: { ...(taskCreated().data as object), taskId } });

describe('The pending work', () => {
  it('is what is due by its kind, the oldest first, with who holds it', async () => {
    const { views } = await viewed(4, (number) => [untilAgent, [taskCreated()], [taskCreated()], untilCompleted][number] ?? []);
    const { work } = views;

    const held = {
      stream: `task-${taskIdOf(0)}`,
      repo: 'acme/shop',
      person: ANNA,
      step: { key: 'agent-1-2', kind: 'agent', claimedBy: WORKER },
    };
    expect(work.claimed()).toEqual([held]);
    expect([...work.due('agent', NOON, 10), ...work.dueByPair('agent', NOON, 10, 10, TOMORROW)]).toEqual([]);
    expect(work.due('prepare', NOON, 10)).toEqual([
      { stream: `task-${taskIdOf(1)}`, repo: 'acme/shop', person: ANNA, step: { key: 'prepare-1-1', kind: 'prepare' } },
      { stream: `task-${taskIdOf(2)}`, repo: 'acme/shop', person: ANNA, step: { key: 'prepare-1-1', kind: 'prepare' } },
    ]);
    expect(work.due('prepare', NOON, 1).map(({ stream }) => stream)).toEqual([`task-${taskIdOf(1)}`]);
    expect(work.nextAt(NOON)).toBeUndefined();
  });

  it('is due when its time has come', async () => {
    const later = [
      ...untilAgent,
      stageReleased('agent', { reason: 'outside_failure', sentence: text('Down.'), notBefore: minutesAfter(5) }),
    ];
    const { views } = await viewed(2, (number) => [untilPrepared, later][number] ?? []);
    const { work } = views;

    expect([...work.due('agent', NOON, 10), ...work.due('expire', NOON, 10)]).toEqual([]);
    expect(work.nextAt(NOON)).toBe(minutesAfter(5));
    expect(work.due('agent', minutesAfter(5), 10).map(({ step }) => step)).toEqual([
      { key: 'agent-1-2', kind: 'agent', notBefore: minutesAfter(5) },
    ]);
    expect(work.nextAt(minutesAfter(5))).toBe(TOMORROW);
    expect(work.due('expire', TOMORROW, 10)).toHaveLength(1);
  });

  it('is due, too, when it would wait longer than anything that is handed back', async () => {
    const handedBack = (minutes: number) => [
      ...untilAgent,
      stageReleased('agent', { reason: 'outside_failure', sentence: text('Down.'), notBefore: minutesAfter(minutes) }),
    ];
    const { views } = await viewed(3, (number) => [handedBack(2), handedBack(60), untilPrepared][number] ?? []);
    const { work } = views;
    const due = [...work.due('agent', NOON, 10, minutesAfter(2)), ...work.dueByPair('agent', NOON, 10, 10, minutesAfter(2))];
    expect(due.map(({ stream }) => stream)).toEqual(Array(2).fill(`task-${taskIdOf(1)}`));
    expect(work.due('expire', NOON, 10)).toEqual([]);
  });
});

describe('The pending work of a pair of a person and a repository', () => {
  /** Of two people on two repositories, in turns. */
  const pairOf = (number: number) => ({ repo: `acme/${number % 2}`, who: { actor: [ANNA, BERT][(number >> 1) % 2] ?? ANNA } });
  const request = (number: number) => [taskCreated({ repo: pairOf(number).repo }, pairOf(number).who)];
  const streams = (items: readonly { readonly stream: string }[]) => items.map(({ stream }) => stream);

  it('is its oldest, however many each has', async () => {
    const { views } = await viewed(40, request);
    const oldest = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => `task-${taskIdOf(number)}`);
    expect(streams(views.work.dueByPair('prepare', NOON, 2, 100, TOMORROW))).toEqual(oldest);
    expect(streams(views.work.dueByPair('prepare', NOON, 2, 100, TOMORROW))).toEqual(oldest);
  });

  it('comes with one of the next calls when there are more pairs than fit', async () => {
    const { views } = await viewed(40, request);
    const seen = [1, 2, 3].map(() => streams(views.work.dueByPair('prepare', NOON, 1, 3, TOMORROW)));
    expect(seen.map(({ length }) => length)).toEqual([3, 1, 3]);
    expect(seen.slice(0, 2).flat().sort()).toEqual([0, 1, 2, 3].map((number) => `task-${taskIdOf(number)}`).sort());
    expect(seen[2]).toEqual(seen[0]);
  });
});

describe('People', () => {
  const hash = 'a'.repeat(64);
  const story: PersonEvent[] = [
    { type: 'PersonAdded', data: { personId: ANNA, name: text('Anna') } },
    { type: 'RoleGranted', data: { personId: ANNA, role: 'admin', repositories: '*' } },
    {
      type: 'TokenIssued',
      data: { personId: ANNA, tokenId: uuid('token'), name: text('laptop'), tokenHash: hash, expiresAt: null },
    },
    { type: 'TokenRevoked', data: { personId: ANNA, tokenId: uuid('token') } },
  ];
  const append = async (store: EventStore, from: number, to: number): Promise<Position> => {
    const events = sealed(ANNA, story.slice(from, to), { ...command('people'), id: derivedId('people', from) }, from, '');
    return (await store.append(ANNA, events, from === 0 ? 'no_stream' : from - 1)).position;
  };

  it('are known by a token until it is revoked', async () => {
    const { store, views } = await viewed(0, () => []);
    await views.waitFor(await append(store, 0, 3), 5_000);
    expect(views.queries.personByTokenHash(hash)).toMatchObject({
      personId: ANNA,
      tokenId: uuid('token'),
      expiresAt: null,
      person: { grants: [{ role: 'admin', repositories: '*' }] },
    });
    expect(views.queries.personByTokenHash('b'.repeat(64))).toBeUndefined();

    await views.waitFor(await append(store, 3, 4), 5_000);
    expect(views.queries.personByTokenHash(hash)).toBeUndefined();
  });

  it('are listed without the hashes of their tokens', async () => {
    const { store, views } = await viewed(0, () => []);
    await views.waitFor(await append(store, 0, 3), 5_000);

    const [anna] = views.queries.listPeople();
    expect(PersonView.parse(anna)).toMatchObject({ personId: ANNA, name: 'Anna', tokens: [{ name: 'laptop' }] });
    expect(JSON.stringify(anna)).not.toContain(hash);
    expect(views.queries.getPerson(ANNA)).toMatchObject({ personId: ANNA });
    expect(views.queries.getPerson(BERT)).toBeUndefined();
  });
});
