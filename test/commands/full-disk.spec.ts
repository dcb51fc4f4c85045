import { describe, expect, it } from 'vitest';
import { OutsideFailure, outsideFailure } from '../../src/commands/ports/repositories.ts';
import { GitFailure } from '../../src/infra/git/failure.ts';

describe('A full disk', () => {
  it.each([
    ['by this process', Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })],
    ['by a quota', Object.assign(new Error('EDQUOT: disk quota exceeded, mkdir'), { code: 'EDQUOT' })],
    ['by git', new GitFailure('hash-object', 128, false, 'error: unable to write file /srv/x: No space left on device')],
  ])('is no fault of ours, and the sentence says what to do: met %s', (_, error) => {
    expect(outsideFailure(error)?.message).toBe(
      'A disk of the service is full, or cannot be written to. Make room there; then it can go on.',
    );
  });

  it('is told from what is one, and from what somebody else put into words', () => {
    expect(outsideFailure(new GitFailure('hash-object', 128, false, 'fatal: bad object'))).toBeUndefined();
    expect(outsideFailure(new Error('ENOSPC'))).toBeUndefined();
    const known = new OutsideFailure('GitHub is away.');
    expect(outsideFailure(known)).toBe(known);
  });
});
