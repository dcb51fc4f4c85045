import fc from 'fast-check';
import { parse, v5 } from 'uuid';
import { describe, expect, it } from 'vitest';
import { derivedId } from '../../src/domain/ids.ts';

/** Ids of stored events derive from it, so it never changes. */
const NAMESPACE = parse('6f0a5b1c-8b5e-5d0e-9c1f-0d2b7a4c9e31');

describe('An id derived from parts', () => {
  it('is the UUIDv5 that the library makes of them, for ever', () => {
    const part = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uuid(), fc.integer());
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(derivedId(...parts)).toBe(v5(parts.join('\u001f'), NAMESPACE));
      }),
    );
    expect(derivedId('person-1', 'key')).toBe('ad2c611a-79c9-5e9b-9524-14fde153ba30');
  });
});
