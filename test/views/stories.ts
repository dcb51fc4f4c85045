import { type Happened, type NewEvent, sealed } from '../../src/domain/event.ts';
import type { EventStore, Position, RecordedEvent } from '../../src/domain/event-store.ts';
import { derivedId, taskStream } from '../../src/domain/ids.ts';
import { TASK_ID } from '../domain/task/samples.ts';

export const taskIdOf = (number: number): string => derivedId('story', number);

/** A history of the sample task as the events of another task: sealed as a store keeps them, one command each. */
export const storyOf = (taskId: string, history: readonly Happened[], from = 0, prevHash = ''): NewEvent[] => {
  let last = prevHash;
  return history.flatMap(({ type, data, actor, at }, index) => {
    const command = {
      id: derivedId(taskId, from + index),
      type,
      data,
      actor,
      at,
      channel: actor.startsWith('person-') ? 'http' : 'system',
    };
    const own = JSON.parse(JSON.stringify(data).replaceAll(TASK_ID, taskId));
    const events = sealed(taskStream(taskId), [{ type, data: own }], command, from + index, last);
    last = events.at(-1)?.metadata.hash ?? '';
    return events;
  });
};

/** Stores a history as that of task `number`; returns where it ends. */
export const tell = async (store: EventStore, number: number, history: readonly Happened[], from = 0): Promise<Position> => {
  const taskId = taskIdOf(number);
  const stream = taskStream(taskId);
  let prevHash = '';
  for await (const { metadata } of store.readStream(stream, { direction: 'backwards', limit: 1 })) prevHash = metadata.hash ?? '';
  const { position } = await store.append(
    stream,
    storyOf(taskId, history.slice(from), from, prevHash),
    from === 0 ? 'no_stream' : from - 1,
  );
  return position;
};

/** Many tasks at once: each is told whole, some at the same time. */
export const tellMany = async (
  store: EventStore,
  count: number,
  historyOf: (number: number) => readonly Happened[],
): Promise<void> => {
  for (let number = 0; number < count; number += 200) {
    const some = Array.from({ length: Math.min(200, count - number) }, (_, index) => number + index);
    await Promise.all(
      some.map((each) => store.append(taskStream(taskIdOf(each)), storyOf(taskIdOf(each), historyOf(each)), 'no_stream')),
    );
  }
};

/** A history of the sample task as a store reads it back. */
export const recordedStory = (history: readonly Happened[]): RecordedEvent[] =>
  storyOf(TASK_ID, history).map((event, revision) => ({
    ...event,
    stream: taskStream(TASK_ID),
    revision,
    position: String(revision + 1).padStart(16, '0') as Position, // As the SQLite store makes them.
  }));
