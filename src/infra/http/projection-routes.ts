import { z } from '@hono/zod-openapi';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { addRoute, answers, answersText, json } from './routes.ts';

const Resumed = z.object({
  resumed: z.int().describe('How many go on.'),
  parked: z
    .array(z.object({ view: z.string(), stream: z.string(), type: z.string(), needs: z.string() }))
    .describe('Those that do not: the event they stopped at, and the version of it that is needed, or `unreadable`, or `fault`.'),
});

const TYPE = 'application/x-ndjson';

/** The views can be built anew while the old ones answer. */
export const addProjectionRoutes = (api: Api, { views, log }: ApiOptions): void => {
  let rebuilding = false;

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/projections/rebuild',
      name: 'rebuildProjections',
      summary: 'Build every view and the audit file anew from the log, for admins.',
      answers: { 200: answersText(TYPE, 'A JSON line whenever a view came further; the last one is {"finished":true}.') },
    },
    ({ caller }) => {
      demandAdmin(caller);
      if (rebuilding) throw new BadCall(409, 'STATE_CONFLICT', 'The views are being rebuilt already. Wait until that is done.');
      rebuilding = true;
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, { highWaterMark: 1_000 });
      const writer = writable.getWriter();
      const encoder = new TextEncoder();
      // It goes on when nobody listens any more.
      const tell = (line: object): void => void writer.write(encoder.encode(`${JSON.stringify(line)}\n`)).catch(() => undefined);
      const rebuild = async (): Promise<void> => {
        try {
          await views.rebuild(tell);
          tell({ finished: true });
          await writer.close().catch(() => undefined);
        } catch (error) {
          log.error({ err: error }, 'the views were not rebuilt');
          await writer.abort(error).catch(() => undefined);
        } finally {
          rebuilding = false;
        }
      };
      void rebuild();
      return new Response(readable, { headers: { 'content-type': TYPE } });
    },
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/projections/resume',
      name: 'resumeProjections',
      summary: 'Try the streams again that the views could fold no further, for admins.',
      answers: { 200: answers(Resumed) },
    },
    async ({ caller }) => {
      demandAdmin(caller);
      const resumed = await views.resume();
      const parked = views.status().flatMap((view) => view.parked.map((stream) => ({ view: view.name, ...stream })));
      return json({ resumed, parked } satisfies z.infer<typeof Resumed>);
    },
  );
};
