import { type EventStore, type Position, type RecordedEvent, WrongExpectedRevision } from '../../src/domain/event-store.ts';

/** As much of a log as the handler asks for, kept as JSON like in a real one. */
export const memoryLog = () => {
  const log: string[] = [];
  const all = (): RecordedEvent[] => log.map((line) => JSON.parse(line));
  const store: Pick<EventStore, 'append' | 'readStream'> = {
    append: async (stream, events, expected) => {
      const last = all().findLast((event) => event.stream === stream)?.revision ?? -1;
      if ((expected === 'no_stream' ? -1 : expected) !== last) throw new WrongExpectedRevision(stream);
      for (const [index, event] of events.entries()) {
        const position = String(log.length).padStart(8, '0');
        log.push(JSON.stringify({ ...event, stream, revision: last + 1 + index, position }));
      }
      return { revision: last + events.length, position: String(log.length - 1).padStart(8, '0') as Position };
    },
    readStream: async function* (stream, { from = 0 } = {}) {
      yield* all().filter((event) => event.stream === stream && event.revision >= from);
    },
  };
  const erase = async (stream: string, revision: number, data: unknown): Promise<void> => {
    const at = all().findIndex((event) => event.stream === stream && event.revision === revision);
    log[at] = JSON.stringify({ ...JSON.parse(log[at] ?? ''), data });
  };
  return { store: store as EventStore, all, erase };
};
