import { createStreams } from '../commands/streams.ts';
import type { Kind } from '../domain/decider.ts';
import { hashHolds } from '../domain/event.ts';
import type { EventStore, RecordedEvent } from '../domain/event-store.ts';
import { DomainError } from '../domain/refusals.ts';
import type { ReplayReport } from './cli/composition.ts';

/** Between two calls of `onProgress`, in events. */
const PROGRESS_EVENTS = 1_000;

interface Seen {
  readonly revision: number;
  readonly hash: string;
}

/** What is wrong with an event, given the one before it in its stream; `undefined` when it holds. */
const faultOf = (event: RecordedEvent, before: Seen): string | undefined => {
  if (event.revision !== before.revision + 1) return `Revision ${before.revision + 1} is missing.`;
  if (event.metadata.prevHash !== before.hash) return `Revision ${event.revision} does not follow from the one before it.`;
  return hashHolds(event) ? undefined : `Revision ${event.revision} is not what was written: its hash does not hold.`;
};

/** Reads the whole log: recomputes every hash and link, and folds every stream. Changes nothing. */
export const replay = async (
  store: EventStore,
  kinds: readonly Kind[],
  onProgress: (done: number) => void,
): Promise<ReplayReport> => {
  const streams = new Map<string, Seen>();
  const faults: { stream: string; sentence: string }[] = [];
  const kindOf = (stream: string): Kind | undefined => kinds.find(({ name }) => stream.startsWith(`${name}-`));
  let events = 0;

  for await (const event of store.readAll()) {
    if (!kindOf(event.stream)) continue;
    const sentence = faultOf(event, streams.get(event.stream) ?? { revision: -1, hash: '' });
    if (sentence) faults.push({ stream: event.stream, sentence });
    streams.set(event.stream, { revision: event.revision, hash: event.metadata.hash ?? '' });
    events++;
    if (events % PROGRESS_EVENTS === 0) onProgress(events);
  }
  const { load } = createStreams(store);
  for (const stream of streams.keys()) {
    const kind = kindOf(stream);
    try {
      if (kind) await load(kind, stream);
    } catch (error) {
      const parked = error instanceof DomainError;
      faults.push({ stream, sentence: parked ? error.message : 'It holds an event that nobody wrote in this form.' });
    }
  }
  onProgress(events);
  return { events, streams: streams.size, faults };
};
