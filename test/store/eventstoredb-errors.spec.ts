import { ErrorType } from '@eventstore/db-client';
import { describe, expect, it } from 'vitest';
import { recordsOf } from '../../src/infra/store/eventstoredb-stream.ts';

/** A read that the client ends with an error of this type. */
async function* ending(type: string) {
  yield* [];
  throw Object.assign(new Error('As the client says it.'), { type });
}

describe('A read of EventStoreDB', () => {
  it.each([ErrorType.STREAM_NOT_FOUND, ErrorType.STREAM_DELETED])('finds nothing in a stream that is away: %s', async (type) => {
    expect(await Array.fromAsync(recordsOf(ending(type), 1_000))).toEqual([]);
  });

  it('throws whatever else ends it', async () => {
    await expect(Array.fromAsync(recordsOf(ending(ErrorType.ACCESS_DENIED), 1_000))).rejects.toThrow('refuses this user');
  });
});
