import { describe, expect, it } from 'vitest';
import { clockTime, duration, moment, shortMoment, withReadersTimes } from '../../src/projections/moments.ts';

const AT = '2026-03-01T23:22:05.123Z';

describe('A time', () => {
  it('is shown in the zone of the reader, and names it', () => {
    expect(moment(AT, 'Europe/Berlin')).toBe('2026-03-02 00:22:05 CET');
    expect(moment(AT, 'Asia/Kolkata')).toBe('2026-03-02 04:52:05 GMT+5:30');
    expect(moment(AT, 'UTC')).toBe('2026-03-01 23:22:05 UTC');
  });

  it('is short where the zone is named once', () => {
    expect(shortMoment(AT, 'Europe/Berlin')).toBe('2026-03-02 00:22');
    expect(clockTime(AT, 'Europe/Berlin')).toBe('00:22:05');
  });

  it('is found in a sentence of the service', () => {
    expect(withReadersTimes(`Approve it before ${AT}.`, 'Europe/Berlin')).toBe('Approve it before 2026-03-02 00:22:05 CET.');
    expect(withReadersTimes('Approve it before 2026-99-99T00:00:00Z.', 'UTC')).toBe('Approve it before 2026-99-99T00:00:00Z.');
  });
});

describe('A duration', () => {
  it.each([
    [0, '0.0 s'],
    [640, '0.6 s'],
    [12_300, '12 s'],
    [119_000, '119 s'],
    [200_000, '3 min 20 s'],
    [1_800_000, '30 min'],
  ])('of %i ms is %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });
});
