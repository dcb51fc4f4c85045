import { OpenAPIHono, z } from '@hono/zod-openapi';
import { createTokenUse } from '../../commands/token-use.ts';
import { addAccountRoutes } from './account-routes.ts';
import { addAuditRoute } from './audit-route.ts';
import { authentication, type Variables } from './authentication.ts';
import { addBackupRoute } from './backup-route.ts';
import { addChatRoutes } from './chat-routes.ts';
import type { Api, ApiOptions } from './context.ts';
import { addEvidenceRoutes } from './evidence-routes.ts';
import { gate } from './gate.ts';
import { addHealthRoutes, addLifeRoutes } from './health-routes.ts';
import { addHistoryRoutes } from './history-routes.ts';
import { addPeopleRoutes } from './people-routes.ts';
import { BadCall, problemOf } from './problem.ts';
import { addProjectionRoutes } from './projection-routes.ts';
import { addRedactionRoute } from './redaction-route.ts';
import { addRepositoryRoutes } from './repository-routes.ts';
import { addRoute, answers, rendered } from './routes.ts';
import { addStreamRoute } from './stream-route.ts';
import { createTaskReader } from './task-reader.ts';
import { addTaskRoutes } from './task-routes.ts';
import { addTelegramRoute } from './telegram-route.ts';
import { addTokenRoutes } from './token-routes.ts';

const addDocumentRoute = (api: Api): void => {
  addRoute(
    api,
    {
      method: 'get',
      path: '/openapi.json',
      name: 'describeApi',
      summary: 'This document.',
      answers: { 200: answers(z.looseObject({ openapi: z.string() })) },
      open: true,
    },
    () => rendered(text),
  );
  // Routes do not change once they are added, so the document is written once.
  const text = JSON.stringify(
    api.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Countersign',
        version: '1',
        description: 'A request for a code change becomes a Draft pull request only after people have allowed it.',
      },
      servers: [{ url: '/' }],
      security: [{ token: [] }],
    }),
  );
};

/** What a worker answers: whether it lives and takes work. Everything else is asked of an API process. */
export const createWorkerApi = ({ isReady, log }: Pick<ApiOptions, 'isReady' | 'log'>): Api => {
  const api: Api = new OpenAPIHono<{ Variables: Variables }>();
  const fault = (error: unknown): void => log.error({ err: error }, 'a request met a fault of our own');
  const elsewhere = new BadCall(404, 'INVALID_ACTION', 'This process carries out tasks. Ask one that serves the API.');
  api.onError((error) => problemOf(error, fault));
  api.notFound(() => problemOf(elsewhere, fault));
  addLifeRoutes(api, { isReady });
  return api;
};

/** The whole API as one fetch handler: authentication, then the gate, then the router. */
export const createApi = (options: ApiOptions): Api => {
  const api: Api = new OpenAPIHono<{ Variables: Variables }>();
  const fault = (error: unknown): void => options.log.error({ err: error }, 'a request met a fault of our own');
  api.onError((error) => problemOf(error, fault));
  api.notFound(() => problemOf(new BadCall(404, 'INVALID_ACTION', 'There is no such call. Read /openapi.json.'), fault));
  addTelegramRoute(api, options);
  const notUsed = (error: unknown): void => options.log.error({ err: error }, 'the last use of a token was not recorded');
  api.use(authentication({ ...options, used: createTokenUse(options.dispatch, notUsed) }));
  api.use(gate);

  const reader = createTaskReader(options);
  addHealthRoutes(api, options);
  addTaskRoutes(api, options, reader);
  addEvidenceRoutes(api, options, reader);
  addRedactionRoute(api, options, reader);
  addAuditRoute(api, options);
  addStreamRoute(api, options);
  addPeopleRoutes(api, options, reader);
  addTokenRoutes(api, options, reader);
  addAccountRoutes(api, options, reader);
  addChatRoutes(api, options, reader);
  addRepositoryRoutes(api, options);
  addHistoryRoutes(api, options, reader);
  addProjectionRoutes(api, options);
  addBackupRoute(api, options);
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  addDocumentRoute(api);
  return api;
};
