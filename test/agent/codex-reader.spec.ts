import { describe, expect, it } from 'vitest';
import { codexReader } from '../../src/infra/agent/profiles/codex.ts';

const reading = (...events: readonly unknown[]) => {
  const reader = codexReader('gpt-5.5');
  const doing = events.map((event) => reader.read(typeof event === 'string' ? event : JSON.stringify(event)));
  return { reader, doing };
};

const COMPLETED = { type: 'turn.completed', usage: { input_tokens: 12, cached_input_tokens: 3, output_tokens: 4 } };
const ERROR = { type: 'error', message: 'Reconnecting... 1/5' };
const FAILED = { type: 'turn.failed', error: { message: 'unexpected status 401' } };

describe('The event stream of codex', () => {
  it('says success only with exit 0 and a completed turn', () => {
    expect(reading(COMPLETED).reader.complaint(0)).toBeUndefined();
    expect(reading(COMPLETED).reader.complaint(1)).toContain('exit code 1');
    expect(reading().reader.complaint(0)).toContain('without finishing its turn');
    expect(reading(FAILED).reader.complaint(0)).toBe('Codex reported: unexpected status 401');
    expect(reading(COMPLETED, FAILED).reader.complaint(0)).toBe('Codex reported: unexpected status 401');
    expect(reading(COMPLETED, ERROR).reader.complaint(0)).toBe('Codex reported: Reconnecting... 1/5');
  });

  it('forgives an error that the turn came back from', () => {
    expect(reading(ERROR, COMPLETED).reader.complaint(0)).toBeUndefined();
  });

  it('gives session, model and tokens', () => {
    const { reader } = reading({ type: 'thread.started', thread_id: 'th-1' }, COMPLETED);
    expect(reader.meta()).toEqual({ model: 'gpt-5.5', session: 'th-1', tokens_in: '12', tokens_out: '4' });
  });

  it('tells what codex is doing', () => {
    const { doing } = reading(
      { type: 'item.started', item: { type: 'command_execution', command: `/bin/bash -lc 'npm test'` } },
      {
        type: 'item.completed',
        item: { type: 'file_change', changes: [{ path: '/work/src/a.ts', kind: 'update' }, { path: 'b.ts' }] },
      },
      { type: 'item.completed', item: { type: 'agent_message', text: 'I fixed it.\nDetails' } },
      { type: 'turn.started' },
    );
    expect(doing).toEqual(['Running npm test', 'Editing a.ts, b.ts', 'I fixed it.', undefined]);
  });

  it.each([
    '',
    'plain text',
    '{',
    '[]',
    'null',
    '{"type":5}',
    '{"type":"turn.completed","usage":"x"}',
    '{"type":"item.completed"}',
    '{"__proto__":{}}',
  ])('passes over the line %j', (line) => {
    const { reader, doing } = reading(line);
    expect(doing).toEqual([undefined]);
    expect(reader.complaint(0)).toBeDefined();
  });
});
