import { describe, expect, it } from 'vitest';
import { createLog, type Log } from '../../src/infra/log.ts';
import { createRedactor } from '../../src/infra/redact.ts';

const SECRET = 'correct-horse-"battery"';

const logged = (say: (log: Log) => void, level: 'info' | 'debug' = 'info'): string[] => {
  const lines: string[] = [];
  say(createLog({ level, redact: createRedactor([SECRET]), to: { write: (line) => void lines.push(line) } }));
  return lines;
};

const fields = (say: (log: Log) => void, level?: 'info' | 'debug'): Record<string, unknown> =>
  JSON.parse(logged(say, level)[0] ?? '');

describe('The log', () => {
  it('writes one JSON object a line, with time, level and words', () => {
    const line = fields((log) => log.info({ taskId: 'task-1' }, 'claimed'));
    expect(line).toEqual({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/), taskId: 'task-1', msg: 'claimed' });
  });

  it('holds no secret: not in the words, a field, a key, an error or what caused it', () => {
    const text = logged((log) => {
      log.info(`said ${SECRET}`);
      log.info({ deep: { list: [SECRET, Buffer.from(SECRET).toString('base64')] }, [SECRET]: 1 }, 'fields');
      log.error(new Error(`failed with ${SECRET}`, { cause: new Error(encodeURIComponent(SECRET)) }));
      log.error({ error: new Error(SECRET) }, 'failed');
    }, 'debug').join('');
    expect(text).not.toContain('correct-horse');
    expect(text).not.toContain(encodeURIComponent(SECRET));
    expect(text).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 20));
    expect(text).toContain('[redacted]');
  });

  it('stays one line whatever is logged', () => {
    const lines = logged((log) => log.info({ text: 'a\nb\r\u2028\u2029\u0085\u001b[2K' }, '{"level":"info"}\nforged'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n\r\u2028\u2029\u0085\u001b]+\n$/);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ text: 'a\nb\r\u2028\u2029\u0085\u001b[2K' });
  });

  it('says what an error says, with a stack trace only for who asked for it', () => {
    const error = Object.assign(new TypeError('no'), { code: 'ENOENT' });
    expect(fields((log) => log.error(error)).err).toEqual({ type: 'TypeError', message: 'no', code: 'ENOENT' });
    expect(fields((log) => log.error(error, 'x'), 'debug').err).toHaveProperty('stack');
  });

  it('leaves out what errors and requests bring along', () => {
    const error = Object.assign(new Error('no'), { request: { headers: { authorization: 'Bearer abc' } }, env: { HOME: '/x' } });
    const line = logged((log) =>
      log.error({ err: error, response: { status: 500, headers: { cookie: 'c' } }, env: { A: 'b' } }, 'x'),
    )[0];
    expect(line).not.toMatch(/Bearer|"\/x"|"c"|"b"/);
    expect(line).toContain('"status":500');
  });

  it('is bounded', () => {
    const nested = Array.from({ length: 50 }).reduce<unknown>((inner) => ({ inner }), 'end');
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const lines = logged((log) => {
      log.info(
        { nested, cyclic, big: 'x'.repeat(1_000_000), bytes: Buffer.alloc(1_000_000), many: Array.from({ length: 10_000 }) },
        'x'.repeat(1_000_000),
      );
    });
    expect(lines[0]?.length).toBeLessThan(20_000);
  });

  it('says nothing below its level', () => {
    expect(logged((log) => log.debug('x'))).toEqual([]);
  });
});
