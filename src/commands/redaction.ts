import type { EventStore } from '../domain/event-store.ts';
import { taskStream } from '../domain/ids.ts';
import { may } from '../domain/person/index.ts';
import { DomainError } from '../domain/refusals.ts';
import { taskEvents } from '../domain/task/events.ts';
import { taskKind } from '../domain/task/index.ts';
import { withoutTexts } from '../domain/text.ts';
import type { Dispatch, Dispatched } from './dispatch.ts';
import type { Session } from './door.ts';
import type { People } from './people.ts';
import type { Clock } from './ports/clock.ts';
import type { Streams } from './streams.ts';

export interface RedactionOptions {
  readonly store: Pick<EventStore, 'readStream'>;
  /** Replaces an event's data by the same with texts erased. Safe to repeat; throws when anything else would change. */
  readonly erase: (stream: string, revision: number, data: unknown) => Promise<void>;
  readonly streams: Streams;
  readonly people: People;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
}

const revisionOf = (data: unknown): number => taskEvents.TextRedacted.parse(data).revision;

/**
 * Erases every text of one event of a task that is over: first in the log, then as a fact, for which the views and the audit are made anew
 * from what is left. Cut off in between, the same again goes on from there. Throws what dispatch throws.
 */
export const createRedaction = ({ store, erase, streams, people, dispatch, clock }: RedactionOptions) => {
  /** Before anything is lost: dispatch judges the same again, but only afterwards. */
  const allow = async (command: Parameters<Dispatch>[0], stream: string): Promise<void> => {
    const { state } = await streams.load(taskKind, stream);
    const needs = taskKind.needs(command, state);
    const who = await people.get(command.actor);
    if (!who || !needs.every((need) => may(who, need))) throw new DomainError('forbidden');
    taskKind.decide(command, state);
  };

  return async ({ personId, channel }: Session, taskId: string, revision: number): Promise<Dispatched> => {
    const stream = taskStream(taskId);
    const events = await Array.fromAsync(store.readStream(stream));
    const { data, fields } = withoutTexts(events[revision]?.data);
    const isDone = events.some((event) => event.type === 'TextRedacted' && revisionOf(event.data) === revision);
    if (fields.length === 0 || isDone) throw new DomainError('nothing-to-redact');

    const command = {
      id: clock.uuid(),
      type: 'RedactText',
      data: { taskId, revision, fields },
      actor: personId,
      channel,
      at: clock.now(),
    };
    await allow(command, stream);
    await erase(stream, revision, data);
    return dispatch(command);
  };
};

export type Redaction = ReturnType<typeof createRedaction>;
