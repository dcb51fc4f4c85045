import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { addRoute, answersText } from './routes.ts';

const TYPE = 'application/jsonl';

/** Longest part of a file that is looked through for the end of its last whole line. In bytes. */
const TAIL_BYTES = 4 * 1024 * 1024;

/** The audit of everything, a line an event, as far as it is written now. */
export const addAuditRoute = (api: Api, { auditFile }: ApiOptions): void => {
  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/audit.jsonl',
      name: 'exportAudit',
      summary: 'The audit file, for admins.',
      answers: { 200: answersText(TYPE, 'One canonical JSON line an event.') },
    },
    async ({ caller }) => {
      demandAdmin(caller);
      const headers = { 'content-type': `${TYPE}; charset=UTF-8` };
      const file = await open(auditFile, 'r').catch(() => null);
      if (file === null) return new Response('', { headers });
      const end = await lastLineEnd(file).catch(async (error: unknown) => {
        await file.close();
        throw error;
      });
      if (end === 0) {
        await file.close();
        return new Response('', { headers });
      }
      // The open file stays the same one, also when the audit is written anew beside it.
      const body = Readable.toWeb(file.createReadStream({ start: 0, end: end - 1 }));
      return new Response(body as ReadableStream<Uint8Array>, { headers }); // Node's own type of the same thing.
    },
  );
};

/** Bytes up to the end of the last whole line: one that is being written is not sent half. */
const lastLineEnd = async (file: Awaited<ReturnType<typeof open>>): Promise<number> => {
  const { size } = await file.stat();
  const from = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - from);
  const { bytesRead } = await file.read(tail, 0, tail.length, from);
  const at = tail.lastIndexOf('\n', bytesRead - 1);
  return at === -1 ? 0 : from + at + 1;
};
