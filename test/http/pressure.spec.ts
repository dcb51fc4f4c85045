import { OpenAPIHono } from '@hono/zod-openapi';
import { describe, expect, it } from 'vitest';
import type { Variables } from '../../src/infra/http/authentication.ts';
import type { ApiOptions } from '../../src/infra/http/context.ts';
import { addEvidenceRoutes } from '../../src/infra/http/evidence-routes.ts';
import { underPressure } from '../../src/infra/http/pressure.ts';
import { problemOf } from '../../src/infra/http/problem.ts';
import type { TaskReader } from '../../src/infra/http/task-reader.ts';

describe('Pressure', () => {
  it('lets as many wait as may, of all kinds together, and refuses the others at once', async () => {
    const answer = Promise.withResolvers<string>();
    const under = underPressure(3, 'Too many wait.');
    const [file, read] = [under((_: number) => answer.promise), under(() => answer.promise)];
    const waiting = [file(1), file(2), read()];

    await expect(file(3)).rejects.toMatchObject({ status: 429, code: 'RATE_LIMITED', message: 'Too many wait.' });
    await expect(read()).rejects.toMatchObject({ status: 429 });
    answer.resolve('stored');
    expect(await Promise.all(waiting)).toEqual(['stored', 'stored', 'stored']);
    expect(await file(4)).toBe('stored');
  });

  it('does not count what failed', async () => {
    const under = underPressure(1, 'Too many wait.');
    const fail = under(() => Promise.reject(new Error('away')));
    for (let n = 0; n < 3; n++) await expect(fail()).rejects.toThrow('away');
  });

  it('lets only so many patches and logs be read at once', async () => {
    const api = new OpenAPIHono<{ Variables: Variables }>();
    api.onError((error) => problemOf(error, () => undefined));
    const bytes = Promise.withResolvers<Buffer>();
    let reads = 0;
    const get = (): Promise<Buffer> => {
      reads++;
      return bytes.promise;
    };
    const json = JSON.stringify({ runResult: { artifacts: { patch: { digest: 'a'.repeat(64), bytes: 5 } } } });
    addEvidenceRoutes(
      api,
      { artifacts: { get } } as unknown as ApiOptions,
      { find: async () => ({ json }) } as unknown as TaskReader,
    );
    const path = `/api/v1/tasks/${crypto.randomUUID()}/patch`;
    const answers = Array.from({ length: 20 }, () => api.request(path));
    await expect.poll(() => reads).toBe(8);
    bytes.resolve(Buffer.from('patch'));
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(Map.groupBy(statuses, (status) => status).get(429)).toHaveLength(12);
    expect(await (await api.request(path)).text()).toBe('patch');
  });
});
