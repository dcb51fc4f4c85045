import { describe, expect, it } from 'vitest';
import { underPressure } from '../../src/infra/http/pressure.ts';

describe('Pressure', () => {
  it('lets as many wait as may, of all kinds together, and refuses the others at once', async () => {
    const answer = Promise.withResolvers<string>();
    const under = underPressure(3);
    const [file, read] = [under((_: number) => answer.promise), under(() => answer.promise)];
    const waiting = [file(1), file(2), read()];

    await expect(file(3)).rejects.toMatchObject({ status: 429, code: 'RATE_LIMITED' });
    await expect(read()).rejects.toMatchObject({ status: 429 });
    answer.resolve('stored');
    expect(await Promise.all(waiting)).toEqual(['stored', 'stored', 'stored']);
    expect(await file(4)).toBe('stored');
  });

  it('does not count what failed', async () => {
    const under = underPressure(1);
    const fail = under(() => Promise.reject(new Error('away')));
    for (let n = 0; n < 3; n++) await expect(fail()).rejects.toThrow('away');
  });
});
