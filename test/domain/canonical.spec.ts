import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/domain/canonical.ts';

describe('Canonical JSON', () => {
  it('is the same bytes as the library of one of the authors of RFC 8785 writes, for every value', () => {
    // Texts of every kind: `grapheme` has pairs of surrogates, `binary` what is escaped.
    const key = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.nat().map(String));
    const value = fc.jsonValue({ stringUnit: 'grapheme' });
    const document = fc.oneof(value, fc.dictionary(key, value), fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })));
    fc.assert(
      fc.property(document, (one) => {
        expect(canonicalJson(one)).toBe(canonicalize(one));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['numbers of every notation', { a: 1e21, b: 1e-7, c: -0, d: 5e-324, e: 333333333.3333333, f: 0.1 }],
    [
      'keys by code units, numbers among them',
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '10': 5, '9': 6, '\u{1f600}': 7, '\u0080': 8 },
    ],
    ['names that objects have anyway', JSON.parse('{"__proto__":{"b":1,"a":2},"constructor":1,"toJSON":"a text"}')],
    ['what JSON leaves out', { a: undefined, b: [undefined, () => 1, Symbol('s')], c: () => 1, d: null }],
    ['escapes', ['"', '\\', '/', '\u0000', '\u001f', '\u007f', '\u2028', 'é']],
  ])('writes %s as the library does', (_, one) => {
    expect(canonicalJson(one)).toBe(canonicalize(one));
  });

  it.each([undefined, Number.NaN, Number.POSITIVE_INFINITY, 1n, '\ud800', { '\udc00': 1 }, [new Date(0)], () => 1])(
    'has no form for %o',
    (one) => {
      expect(() => canonicalJson(one)).toThrow(TypeError);
    },
  );

  it('has no form for what holds itself', () => {
    const ring: Record<string, unknown> = {};
    ring.ring = ring;
    expect(() => canonicalJson(ring)).toThrow(RangeError);
  });

  it('has the same end to nesting on every stack', () => {
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
    expect(canonicalJson(nested(100))).toHaveLength(200);
    expect(() => canonicalJson(nested(101))).toThrow(RangeError);
  });
});
