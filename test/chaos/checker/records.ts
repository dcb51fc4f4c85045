import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { git } from '../../support/git-commands.ts';
import type { Pull } from '../origin.ts';
import type { Site } from '../site.ts';

/** What the checker looks at of an event, whatever its type. */
const Data = z.looseObject({
  taskId: z.string().optional(),
  attempt: z.int().optional(),
  execution: z.int().optional(),
  stage: z.string().nullish(),
  tree: z.string().optional(),
  passed: z.boolean().optional(),
  gate: z.string().optional(),
  approvalId: z.string().optional(),
  approvalDigest: z.string().optional(),
  branch: z.string().optional(),
  commit: z.string().optional(),
  parents: z.array(z.string()).optional(),
  number: z.int().optional(),
  head: z.string().optional(),
  baseMovedBy: z.int().optional(),
  /** What was shown before an attempt. */
  prepared: z.looseObject({ baseCommit: z.string() }).optional(),
  reason: z.string().nullish(),
  result: z.string().optional(),
  errorCode: z.string().optional(),
  key: z.string().optional(),
  messageId: z.int().optional(),
  /** Of a card. */
  chat: z.looseObject({ text: z.string().optional() }).optional(),
});

export interface Logged {
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: z.infer<typeof Data>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The log itself, past every adapter, in its order. */
export const readLog = ({ nodes, services: [{ dataFolder }] }: Pick<Site, 'nodes' | 'services'>): readonly Logged[] => {
  const parsed = (row: { readonly data: string; readonly metadata: string }) => ({
    data: Data.parse(JSON.parse(row.data)),
    metadata: z.record(z.string(), z.string()).parse(JSON.parse(row.metadata)),
  });
  if (nodes) {
    return nodes[0].log.events
      .filter(({ stream }) => !stream.startsWith('$'))
      .map(({ stream, revision, id, type, data, metadata }) => ({
        ...{ stream, revision, id, type },
        ...parsed({ data: Buffer.from(data).toString(), metadata: Buffer.from(metadata).toString() }),
      }));
  }
  const file = join(dataFolder, 'log.db');
  if (!existsSync(file)) return [];
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    const rows = database.prepare(
      'SELECT name AS stream, events.revision, events.id, type, data, metadata FROM events JOIN streams ON stream_id = streams.id ORDER BY position',
    );
    const Row = z.object({
      stream: z.string(),
      revision: z.int(),
      id: z.string(),
      type: z.string(),
      data: z.string(),
      metadata: z.string(),
    });
    return rows.all().map((row) => {
      const { stream, revision, id, type, ...texts } = Row.parse(row);
      return { stream, revision, id, type, ...parsed(texts) };
    });
  } finally {
    database.close();
  }
};

export interface RemoteCommit {
  readonly commit: string;
  readonly tree: string;
  readonly parents: readonly string[];
}

/** What stands at the remote, and what the forge holds by its own account. */
export interface Remote {
  /** By branch: the commits that `main` does not have, from the newest to its first parent and so on. */
  readonly branches: ReadonlyMap<string, readonly RemoteCommit[]>;
  readonly pulls: readonly Pull[];
  /** Commits of `main`, oldest first: as they stand, and by the account of those who pushed them. */
  readonly main: readonly string[];
  readonly pushed: readonly string[];
}

export const readRemote = async ({ origin: { bare, pulls, main: pushed } }: Pick<Site, 'origin'>): Promise<Remote> => {
  const names = await git(bare, ['for-each-ref', '--format=%(refname:short)', 'refs/heads']);
  const branches = new Map<string, readonly RemoteCommit[]>();
  for (const branch of names.split('\n').filter((name) => name !== '' && name !== 'main')) {
    const lines = await git(bare, ['log', '--first-parent', '--format=%H %T %P', `main..refs/heads/${branch}`]);
    const commits = lines.split('\n').filter(Boolean);
    branches.set(
      branch,
      commits.map((line) => {
        const [commit = '', tree = '', ...parents] = line.split(' ');
        return { commit, tree, parents };
      }),
    );
  }
  const main = (await git(bare, ['rev-list', '--reverse', 'main'])).split('\n');
  return { branches, pulls: await pulls(), main, pushed };
};
