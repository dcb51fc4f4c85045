import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDispatch } from '../../src/commands/dispatch.ts';
import { createPeople } from '../../src/commands/people.ts';
import { createStreams } from '../../src/commands/streams.ts';
import { type Command, hashHolds } from '../../src/domain/event.ts';
import type { Position } from '../../src/domain/event-store.ts';
import { taskStream } from '../../src/domain/ids.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { DomainError } from '../../src/domain/refusals.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { memoryLog } from './memory-log.ts';
import { randomCommand, STEP_MAX } from './random-history.ts';
import { ANNA, BERT, NOON, TASK_ID, text, uuid } from './task/samples.ts';

/** A service with Anna and Bert, who may do everything. */
const service = async () => {
  const log = memoryLog();
  const streams = createStreams(log.store);
  const people = createPeople(streams);
  const dispatch = createDispatch({ store: log.store, streams, people, kinds: [taskKind, personKind] });
  for (const personId of [ANNA, BERT]) {
    const order = (type: string, data: object): Command => ({
      id: uuid(`${type} ${personId}`),
      type,
      data: { personId, ...data },
      actor: 'system:setup',
      channel: 'cli',
      at: NOON,
    });
    await dispatch(order('AddPerson', { name: text('A person') }));
    await dispatch(order('GrantRole', { role: 'admin', repositories: '*' }));
  }
  return { all: log.all, streams, dispatch };
};

describe('For any history that went through the command handler', { timeout: 60_000 }, () => {
  const seeds = fc.array(fc.noBias(fc.integer({ min: 0, max: STEP_MAX })), { minLength: 5, maxLength: 30, size: 'max' });

  it('a command sent twice is carried out once, and both answers name the same position', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (history) => {
        const { streams, all, dispatch } = await service();
        const accepted: { readonly command: Command; readonly position: Position }[] = [];
        let at = NOON;
        for (const [step, seed] of history.entries()) {
          const { state } = await streams.load(taskKind, taskStream(TASK_ID));
          const command = { ...randomCommand(state, seed, step, at), id: uuid(`command ${step}`) };
          at = command.at;
          try {
            const { events, position } = await dispatch(command);
            if (events.length > 0 && position !== null) accepted.push({ command, position });
          } catch (error) {
            expect(error).toBeInstanceOf(DomainError);
          }
        }
        const before = all().length;
        for (const { command, position } of accepted) {
          expect(await dispatch(command)).toMatchObject({ events: [], position });
        }
        expect(all()).toHaveLength(before);
      }),
      { numRuns: 60 },
    );
  });

  it('its events form one chain of hashes that hold', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (history) => {
        const { streams, all, dispatch } = await service();
        for (const [step, seed] of history.entries()) {
          const { state } = await streams.load(taskKind, taskStream(TASK_ID));
          await dispatch(randomCommand(state, seed, step, NOON)).catch(() => undefined);
        }
        let last = '';
        for (const event of all().filter(({ stream }) => stream === taskStream(TASK_ID))) {
          expect(hashHolds(event)).toBe(true);
          expect(event.metadata.prevHash).toBe(last);
          last = event.metadata.hash ?? '';
        }
      }),
      { numRuns: 40 },
    );
  });
});
