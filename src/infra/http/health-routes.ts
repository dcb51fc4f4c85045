import { z } from '@hono/zod-openapi';
import { demand } from './authentication.ts';
import type { Api, ApiOptions, HealthReport } from './context.ts';
import { addRoute, answers, json } from './routes.ts';

/** An answer this young is given again, in milliseconds: asking every component costs them something. */
const FRESH_MS = 2_000;

const HealthDocument = z
  .object({
    service: z.string(),
    status: z.enum(['ok', 'degraded']),
    nodeVersion: z.string(),
    timestamp: z.string(),
    contracts: z.record(z.string(), z.string()),
    sandbox: z.object({
      image: z.string().nullable(),
      defaultTestCommand: z.string().nullable(),
      allowedTestCommands: z.array(z.string()),
      diffPolicy: z.looseObject({}),
    }),
    components: z.array(z.object({ name: z.string(), status: z.enum(['pass', 'warn', 'fail']), sentence: z.string() })),
    views: z.array(z.looseObject({ name: z.string(), state: z.string() })),
  })
  .openapi('Health');

/** Whether it lives, and whether it may be sent work. */
export const addLifeRoutes = (api: Api, { isReady }: Pick<ApiOptions, 'isReady'>): void => {
  addRoute(
    api,
    {
      method: 'get',
      path: '/healthz',
      name: 'isAlive',
      summary: 'The process answers.',
      answers: { 200: answers(z.object({ ok: z.literal(true) })) },
      open: true,
    },
    () => json({ ok: true }),
  );

  const ready = z.object({ ok: z.boolean() });
  addRoute(
    api,
    {
      method: 'get',
      path: '/readyz',
      name: 'isReady',
      summary: 'The service takes requests.',
      answers: { 200: answers(ready), 503: answers(ready, 'Not yet, or no longer.') },
      open: true,
    },
    () => json({ ok: isReady() }, isReady() ? 200 : 503),
  );
};

/** Whether it lives, whether it may be sent work, and how each of its parts is. */
export const addHealthRoutes = (api: Api, { health, isReady }: ApiOptions): void => {
  addLifeRoutes(api, { isReady });
  let last: { readonly report: Promise<HealthReport>; readonly until: number } | undefined;

  const report = (): Promise<HealthReport> => {
    if (last && performance.now() < last.until) return last.report;
    const asked = health();
    const mine = { report: asked, until: Number.POSITIVE_INFINITY };
    last = mine;
    const answered = (): void => {
      if (last === mine) last = { ...mine, until: performance.now() + FRESH_MS };
    };
    asked.then(answered, () => {
      last = undefined;
    });
    return asked;
  };

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/health/details',
      name: 'readHealth',
      summary: 'Asks every component. For those who may read every repository, for it names them.',
      answers: { 200: answers(HealthDocument), 503: answers(HealthDocument, 'A component failed.') },
    },
    async ({ caller }) => {
      demand(caller, { right: 'read', repo: '*' });
      const found = await report();
      return json(found, found.status === 'ok' ? 200 : 503);
    },
  );
};
