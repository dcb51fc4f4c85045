import { describe, expect, it } from 'vitest';
import { recorded } from '../../src/infra/store/eventstoredb-record.ts';

describe('What the server says in a stream that was deleted for good', () => {
  it('is no event of ours: its number is none that anything can be appended after', () => {
    const tombstone = {
      id: crypto.randomUUID(),
      type: '$streamDeleted',
      data: {},
      metadata: undefined,
      streamId: `task-${crypto.randomUUID()}`,
      revision: 2n ** 63n - 1n,
      position: { commit: 1n, prepare: 1n },
    };
    expect(recorded(tombstone)).toBeUndefined();
    expect(recorded({ ...tombstone, type: 'TaskCreated' })).toBeDefined();
  });
});
