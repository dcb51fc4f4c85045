import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { REQUEST_BODY_BYTES_MAX } from '../../domain/limits.ts';
import { addAdminRoutes } from './admin-routes.ts';
import { authentication, type Variables } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { addEvidenceRoutes } from './evidence-routes.ts';
import { BadCall, problemOf } from './problem.ts';
import { addStreamRoute } from './stream-route.ts';
import { addTaskRoutes } from './task-routes.ts';

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
} as const;

const tooLarge = (): never => {
  throw new BadCall(413, 'VALIDATION_ERROR', `The body is over ${REQUEST_BODY_BYTES_MAX / 1024} KiB. Send less.`);
};

/** The whole API as one fetch handler: limits, then authentication, then the router. */
export const createApi = (options: ApiOptions): Api => {
  const api: Api = new OpenAPIHono<{ Variables: Variables }>({
    defaultHook: (result) => {
      if (!result.success) throw result.error;
    },
  });
  const fault = (error: unknown): void => options.log.error({ err: error }, 'a request met a fault of our own');
  api.onError((error, context) => problemOf(error, context, fault));
  api.notFound((context) =>
    problemOf(new BadCall(404, 'INVALID_ACTION', 'There is no such call. Read /openapi.json.'), context, fault),
  );

  api.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
  });
  api.use(authentication(options.people, (hash) => options.views.queries.personByTokenHash(hash), options.clock));
  api.use(bodyLimit({ maxSize: REQUEST_BODY_BYTES_MAX, onError: tooLarge }));
  api.use(async (context, next) => {
    const { req } = context;
    const hasBody = req.method !== 'GET' && req.method !== 'HEAD' && (req.raw.body !== null || req.method === 'POST');
    if (hasBody && req.header('content-encoding') !== undefined) {
      throw new BadCall(415, 'VALIDATION_ERROR', 'Send the body as it is, without Content-Encoding.');
    }
    // A form of a web page cannot send this type, so no page can make a browser act here.
    if (hasBody && !/^application\/json(;|$)/i.test(req.header('content-type') ?? '')) {
      throw new BadCall(415, 'VALIDATION_ERROR', 'Send JSON with "Content-Type: application/json".');
    }
    await next();
  });

  api.get('/healthz', (context) => context.json({ ok: true }));
  api.get('/readyz', (context) => context.json({ ok: options.isReady() }, options.isReady() ? 200 : 503));
  api.get('/api/v1/health/details', async (context) => {
    const report = await options.health();
    return context.json(report, report.status === 'ok' ? 200 : 503);
  });
  addTaskRoutes(api, options);
  addEvidenceRoutes(api, options);
  addStreamRoute(api, options);
  addAdminRoutes(api, options);
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  api.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Countersign', version: '1' }, security: [{ token: [] }] });
  return api;
};
