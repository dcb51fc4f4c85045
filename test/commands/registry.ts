import { createChats } from '../../src/commands/chats.ts';
import { createDispatch } from '../../src/commands/dispatch.ts';
import { createErasure } from '../../src/commands/erasure.ts';
import { createIdentities } from '../../src/commands/identities.ts';
import { createPeople } from '../../src/commands/people.ts';
import type { PeopleQueries } from '../../src/commands/ports/people-queries.ts';
import { createStreams } from '../../src/commands/streams.ts';
import { chatKind } from '../../src/domain/chat/index.ts';
import type { RecordedEvent } from '../../src/domain/event-store.ts';
import type { PersonCommand } from '../../src/domain/person/commands.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { happened } from '../../src/domain/upcasters.ts';
import { cardsProjection } from '../../src/projections/cards.ts';
import { chatsProjection } from '../../src/projections/chats.ts';
import { peopleProjection } from '../../src/projections/people.ts';
import type { Projection, Row } from '../../src/projections/projection.ts';
import { memoryLog } from '../domain/memory-log.ts';
import { ANNA, BERT, NOON, text } from '../domain/task/samples.ts';

/** The rows of one table of a view, each with the stream it is of. */
const rowsOf = <State>(projection: Projection<State>, table: string, events: readonly RecordedEvent[]) => {
  const states = new Map<string, State | undefined>();
  for (const event of events.filter(({ stream }) => stream.startsWith(`${projection.kind.name}-`))) {
    const seen = { ...event, ...happened(projection.kind, event), channel: '' };
    states.set(event.stream, projection.fold(states.get(event.stream), seen));
  }
  return [...states].flatMap(([stream, state]) =>
    (state === undefined ? [] : (projection.show(state).rows[table] ?? [])).map((row: Row) => ({ stream, row })),
  );
};

export const ADMIN = { personId: BERT, channel: 'cli' };

/** People and chats on a log in memory, with Bert, who administers everything, and Anna. The views are folded when they are asked. */
export const openRegistry = async () => {
  const log = memoryLog();
  let now = NOON;
  let behind: number | null = null;
  const clock = { now: () => now, uuid: () => crypto.randomUUID() };
  const seen = () => (behind === null ? log.all() : log.all().slice(0, behind));
  const queries: PeopleQueries = {
    peopleByIdentity: (channel, subject) =>
      rowsOf(peopleProjection, 'identities', seen())
        .filter(({ row }) => row.channel === channel && row.subject === subject)
        .sort((a, b) => (String(a.row.linked_at) < String(b.row.linked_at) ? -1 : 1))
        .map(({ stream }) => stream),
    personByInvitation: (codeHash) =>
      rowsOf(peopleProjection, 'invitations', seen()).find(({ row }) => row.code_hash === codeHash)?.stream,
    chatBySubject: (channel, subject) =>
      rowsOf(chatsProjection, 'chat_places', seen())
        .find(({ row }) => row.channel === channel && row.subject === subject)
        ?.stream.slice('chat-'.length),
    cardsIn: (subject) =>
      rowsOf(cardsProjection, 'card_list', seen())
        .filter(({ row }) => row.chat === subject)
        .map(({ stream }) => stream.slice('card-'.length)),
    fresh: async () => undefined,
  };
  /** A process of its own on the same log. */
  const open = (looks: PeopleQueries = queries) => {
    const streams = createStreams(log.store);
    const people = createPeople(streams);
    const dispatch = createDispatch({ store: log.store, streams, people, kinds: [personKind, chatKind] });
    return {
      people,
      dispatch,
      identities: createIdentities({ people, queries: looks, dispatch, clock }),
      chats: createChats({ streams, queries: looks, dispatch, clock }),
      erasure: createErasure({ store: log.store, erase: log.erase, dispatch, queries: looks, clock }),
    };
  };
  const first = open();
  const say = (command: PersonCommand, actor = 'system:setup') =>
    first.dispatch({ id: clock.uuid(), ...command, actor, channel: 'cli', at: now });
  await say({ type: 'AddPerson', data: { personId: BERT, name: text('Bert') } });
  await say({ type: 'GrantRole', data: { personId: BERT, role: 'admin', repositories: '*' } });
  await say({ type: 'AddPerson', data: { personId: ANNA, name: text('Anna') } });
  return {
    ...first,
    all: log.all,
    store: log.store,
    clock,
    queries,
    open,
    say,
    setTime: (at: string): void => {
      now = at;
    },
    /** The views see this many events of the log from now on; `null`: all. */
    stopViews: (events: number | null): void => {
      behind = events;
    },
  };
};
