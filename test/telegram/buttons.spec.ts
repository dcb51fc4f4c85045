import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ButtonPress, dataOf, readData } from '../../src/infra/telegram/buttons.ts';

const attemptVerb = fc.constantFrom('retry', 'rerun', 'feedback', 'clarify', 'cancel', 'stop', 'diff', 'logs', 'show');
const press: fc.Arbitrary<ButtonPress> = fc.oneof(
  fc.record({
    verb: fc.constantFrom('approve', 'reject', 'reason', 'ask', 'details'),
    taskId: fc.uuid(),
    approvalId: fc.uuid(),
  }) as fc.Arbitrary<ButtonPress>, // The generator of constants forgets which they are.
  fc.record({ verb: attemptVerb, taskId: fc.uuid(), attempt: fc.integer({ min: 1, max: 999_999 }) }) as fc.Arbitrary<ButtonPress>,
);

describe('The data of a button', () => {
  it('says what was put in, within the 64 bytes that Telegram carries', () => {
    fc.assert(
      fc.property(press, (pressed) => {
        const data = dataOf(pressed);
        expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64);
        expect(readData(data)).toEqual(pressed);
      }),
    );
  });

  it('is nothing when somebody made it up', () => {
    fc.assert(fc.property(fc.string({ maxLength: 70 }), (junk) => readData(junk) === undefined));
    const good = dataOf({ verb: 'approve', taskId: crypto.randomUUID(), approvalId: crypto.randomUUID() });
    const made = [`${good}A`, good.slice(1), `approve${good.slice(0, -1)}`, good.replace('approve', 'cancel'), `${good}\n`, ''];
    for (const data of [...made, good.replace('approve', 'constructor'), good.replaceAll('.', '..')])
      expect(readData(data), data).toBeUndefined();
  });

  it('has one spelling for one question', () => {
    const data = dataOf({ verb: 'cancel', taskId: 'a5d0b6b0-0c6e-4a53-9d5e-0c8a4d0c8d01', attempt: 7 });
    for (const other of [data.replace('.7', '.07'), data.replace('.7', '.+7'), data.replace('AQ.7', 'AR.7')]) {
      expect(other).not.toBe(data);
      expect(readData(other)).toBeUndefined();
    }
  });
});
