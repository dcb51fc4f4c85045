import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { ConflictError } from '../../src/commands/dispatch.ts';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import { StoreDenied, StoreFull, StoreUnavailable } from '../../src/domain/event-store.ts';
import { DomainError, REFUSALS, type RefusalCode } from '../../src/domain/refusals.ts';
import { BadCall, faultInWords, Problem, problemOf } from '../../src/infra/http/problem.ts';

const told = async (error: unknown) => {
  const onFault = vi.fn();
  const response = problemOf(error, onFault);
  const problem = Problem.parse(await response.json());
  expect(problem).toMatchObject({ status: response.status, error: problem.detail });
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=UTF-8');
  return { ...problem, headers: response.headers, isFault: onFault.mock.calls.length > 0 };
};

const SECRET = 'at /home/someone/service.ts:1 hunter2';

describe('A problem', () => {
  it.each(Object.entries(REFUSALS))('says of "%s" what the table says', async (code, { status, errorCode, sentence }) => {
    const problem = await told(new DomainError(code as RefusalCode)); // A key of the table.
    expect(problem).toMatchObject({ status, error_code: errorCode, error: sentence, isFault: false });
    expect(problem.headers.has('retry-after')).toBe(status === 429 || status === 503);
    expect(problem.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
  });

  it.each([
    ['a fault of ours', new TypeError(SECRET), 500, true],
    ['something that is no error', SECRET, 500, true],
    ['a full disk', Object.assign(new Error(SECRET), { code: 'ENOSPC' }), 503, false],
    ['a store that does not answer', new StoreUnavailable(SECRET), 503, false],
    ['a caller who left', Object.assign(new Error(SECRET), { code: 'ECONNRESET' }), 400, false],
  ])('tells nothing of the inside: %s', async (_, error, status, isFault) => {
    const problem = await told(error);
    expect(problem).toMatchObject({ status, isFault });
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  it.each([
    [new StoreFull('The disk is full. Free some space.'), 503, 'UNAVAILABLE'],
    [new StoreDenied('The store refuses this user. Ask an administrator.'), 503, 'UNAVAILABLE'],
    [new ConflictError('Send it again.'), 503, 'UNAVAILABLE'],
    [new OutsideFailure('The remote is away. Try again.'), 503, 'UNAVAILABLE'],
    [new BadCall(413, 'VALIDATION_ERROR', 'Send less.'), 413, 'VALIDATION_ERROR'],
  ])('says what to do: %s', async (error, status, code) => {
    expect(await told(error)).toMatchObject({ status, error_code: code, error: error.message, isFault: false });
  });

  it('names the fields that are wrong, and not what stood in them', async () => {
    const schema = z.strictObject({ inner: z.strictObject({ count: z.int() }), list: z.array(z.string()) });
    const parsed = schema.safeParse({ inner: { count: SECRET, [SECRET]: 1 }, list: [1], [SECRET]: 2 });
    const problem = await told(parsed.error);
    expect(problem.fields?.map(({ path }) => path).sort()).toEqual(['', 'inner', 'inner.count', 'list.0']);
    expect(JSON.stringify(problem)).not.toContain('hunter2');
  });

  it.each([
    [z.string(), undefined, 'is missing'],
    [z.string(), 7, 'must be of type string'],
    [z.string().min(6), SECRET.slice(-2), 'must have at least 6 characters'],
    [z.string().max(1), SECRET, 'must have at most 1 character'],
    [z.int().max(3), 4, 'must be at most 3'],
    [z.array(z.int()).min(1), [], 'must hold at least 1 item'],
    [z.enum(['FAILED', 'COMPLETED']), SECRET, 'must be one of FAILED, COMPLETED'],
    [z.literal('approve'), SECRET, 'must be approve'],
  ])('says in words what is wrong with a field, and not what stood in it: %#', async (schema, value, message) => {
    const problem = await told(z.object({ field: schema }).safeParse({ field: value }, { error: faultInWords }).error);
    expect(problem.fields).toEqual([{ path: 'field', message }]);
  });

  it('names what may be asked for where there is a choice', async () => {
    const schema = z.discriminatedUnion('action', [
      z.object({ action: z.literal('reject') }),
      z.object({ action: z.literal('cancel') }),
    ]);
    const problem = await told(schema.safeParse({ action: SECRET }, { error: faultInWords }).error);
    expect(problem.fields).toEqual([{ path: 'action', message: 'must be one of reject, cancel' }]);
  });

  it('names so many fields and no more', async () => {
    const parsed = z.array(z.string()).safeParse(Array.from({ length: 1_000 }, () => 1));
    expect((await told(parsed.error)).fields).toHaveLength(20);
  });
});
