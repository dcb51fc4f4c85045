import * as client from '@eventstore/db-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/domain/event-store.ts';
import { type ClientModule, connect } from '../../src/infra/store/eventstoredb-client.ts';
import { renewingReads } from '../../src/infra/store/eventstoredb-reads.ts';
import { type ServerDouble, startServerDouble } from './server-double/index.ts';

describe('Reads of a node that died', () => {
  let dead: ServerDouble;
  let alive: ServerDouble;
  beforeAll(async () => {
    [dead, alive] = [await startServerDouble(), await startServerDouble()];
    await dead.stop();
  });
  afterAll(() => alive.stop());

  it('fail, and go to another node by a client that is made anew, though not by one for each', async () => {
    let made = 0;
    // Each client as one that has asked a cluster who lives: the first one when it was another.
    const reads = renewingReads(() => connect(client as ClientModule, made++ === 0 ? dead.url : alive.url), 2_000);
    const all = () =>
      Array.fromAsync(reads.read((from) => from.readAll({ fromPosition: 'start', direction: 'forwards', maxCount: 10 })));
    const failures = await Promise.allSettled([all(), all(), all()]);
    expect(failures.map((failure) => failure.status === 'rejected' && failure.reason)).toEqual(
      failures.map(() => expect.any(StoreUnavailable)),
    );
    expect(await all()).toEqual([]);
    expect(made).toBe(2);
    await reads.close();
  });
});
