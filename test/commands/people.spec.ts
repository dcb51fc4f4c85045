import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPeople } from '../../src/commands/people.ts';
import { type Loaded, type Streams, unwritten } from '../../src/commands/streams.ts';
import type { Kind } from '../../src/domain/decider.ts';
import { ownText } from '../../src/domain/text.ts';

const ADA = 'person-00000000-0000-4000-8000-00000000000a';
const BOB = 'person-00000000-0000-4000-8000-00000000000b';

/** Streams that say what was true when they were read, and end a read when they are told to. */
const streams = () => {
  const reads: string[] = [];
  let name = 'first';
  let held: Promise<void> | undefined;
  const load = async <State>(kind: Kind<State>, stream: string): Promise<Loaded<State>> => {
    reads.push(stream);
    const state = { ...kind.initialState, personId: stream, name: ownText(name), tokens: [] };
    await held;
    return { ...unwritten(kind), state };
  };
  return {
    streams: { load } satisfies Streams,
    reads,
    rename: (to: string) => {
      name = to;
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
  };
};

const named = (name: string) => expect.objectContaining({ name: ownText(name) });

describe('People', () => {
  it('are read once for all who ask in one turn of the event loop, each person by itself', async () => {
    const { streams: read, reads } = streams();
    const people = createPeople(read);
    await Promise.all([people.get(ADA), people.get(BOB), people.get(ADA), people.get(ADA)]);
    expect(reads.toSorted()).toEqual([ADA, BOB]);
  });

  it('are what they were after the last of those had asked', async () => {
    const { streams: read, rename } = streams();
    const people = createPeople(read);
    const early = people.get(ADA);
    rename('second');
    const late = people.get(ADA);
    expect(await Promise.all([early, late])).toEqual([named('second'), named('second')]);
  });

  it('are read anew for whoever asks while a read is under way: that one may not know what was just recorded', async () => {
    const { streams: read, reads, rename, hold } = streams();
    const people = createPeople(read);
    const goOn = hold();
    const early = people.get(ADA);
    await nextTurn();
    rename('second');
    const late = people.get(ADA);
    await nextTurn();
    goOn();
    expect(reads).toEqual([ADA, ADA]);
    expect(await Promise.all([early, late])).toEqual([named('first'), named('second')]);
  });

  it('are asked again after a read that failed', async () => {
    const { streams: read } = streams();
    let fails = true;
    const people = createPeople({
      load: async (kind, stream) => {
        if (fails) throw new Error('away');
        return read.load(kind, stream);
      },
    });
    await expect(people.get(ADA)).rejects.toThrow('away');
    fails = false;
    expect(await people.get(ADA)).toEqual(named('first'));
  });
});
