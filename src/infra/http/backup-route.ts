import { Readable } from 'node:stream';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { addRoute, answersText } from './routes.ts';

const TYPE = 'application/x-tar';

/** A backup while the service runs. */
export const addBackupRoute = (api: Api, { backups, log }: ApiOptions): void => {
  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/backup',
      name: 'backUp',
      summary:
        'Everything that cannot be made again: the log, the artifacts and the keys, for admins. Whoever holds it is an admin.',
      answers: { 200: answersText(TYPE, 'A tar archive; one that breaks off is none.') },
    },
    async ({ caller }) => {
      demandAdmin(caller);
      if (backups.isUnderWay())
        throw new BadCall(
          409,
          'STATE_CONFLICT',
          'A backup is being made already. Wait until it is done; one that nobody takes is given up after a minute.',
        );
      const made = await backups.make();
      made.done.catch((error: unknown) => {
        log.error({ err: error }, 'a backup was not made whole');
        made.bytes.destroy();
      });
      const body = Readable.toWeb(made.bytes);
      return new Response(body as ReadableStream<Uint8Array>, { headers: { 'content-type': TYPE } }); // Node's own type of the same thing.
    },
  );
};
