import { z } from 'zod';
import { createApi } from '../../src/infra/http/app.ts';
import type { ApiOptions } from '../../src/infra/http/context.ts';

const BEGIN = '<!-- Written by `npm run docs` from the routes in src/infra/http. -->\n';
const END = '<!-- Until here. -->';

/** Stands for everything the routes are given: they are only asked what they are. */
const anything: unknown = new Proxy(() => anything, { get: () => anything });

const Document = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ summary: z.string(), responses: z.record(z.string(), z.unknown()) })),
  ),
});

/** The page with its table of calls as the code has it. Throws when the page has no place for one. */
export const withCallTable = async (page: string): Promise<string> => {
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error('The page has no place for the table of calls.');
  const { paths } = Document.parse(await (await createApi(anything as ApiOptions).request('/openapi.json')).json());
  const rows = Object.entries(paths)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, calls]) =>
      Object.entries(calls).map(
        ([method, { summary }]) => `| \`${method.toUpperCase()} ${path}\` | ${summary.replaceAll('|', '\\|')} |`,
      ),
    );
  return `${head}${BEGIN}\n${['| call | |', '|---|---|', ...rows].join('\n')}\n\n${END}${tail}`;
};
