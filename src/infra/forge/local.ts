import { createHash } from 'node:crypto';
import { access, constants, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Forge, ForgeRefusal, type PullRequest } from '../../commands/ports/forge.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { createGit, type Git } from '../git/git.ts';
import { gitFolderOf, headsOf } from './bare-repository.ts';
import { checked, type ForgeCheck, type Probed } from './check.ts';
import { clearUnplaced, type LocalPullRequest, type LocalRecords, localRecords } from './local-records.ts';

/** Numbers lost to other writers, one after the other, before giving up for now. */
const CREATE_ATTEMPTS_MAX = 100;

/** A forge without a server: records beside a bare repository. What a person does on a forge's page is a call here. */
export interface LocalForge extends Forge, Probed {
  readonly kind: 'local';
  /** Everything of one pull request, its comments in no order. Throws `ForgeRefusal` when there is none. */
  read(remote: string, number: number): Promise<LocalPullRequest & { readonly comments: readonly string[] }>;
  settle(remote: string, number: number, state: 'closed' | 'merged'): Promise<void>;
  /** Clears away what a killed process left half-written. */
  reap(): Promise<void>;
}

/** `folder` holds the records of all repositories; it is made when the first is written. */
export const createLocalForge = ({ folder }: { readonly folder: string }): LocalForge => {
  const git = createGit(join(folder, 'git'));
  const recordsOf = new Map<string, LocalRecords>();

  const repository = (remote: string) => {
    const gitFolder = gitFolderOf(remote);
    const name = nameOf(gitFolder);
    const key = createHash('sha256').update(gitFolder).digest('hex').slice(0, 16);
    const records = recordsOf.get(gitFolder) ?? localRecords(join(folder, `${name}-${key}`));
    recordsOf.set(gitFolder, records);
    return { gitFolder, name, records };
  };

  /** As it stands: the head of an open pull request is the branch's, like on every forge. */
  const current = async (gitFolder: string, record: LocalPullRequest): Promise<LocalPullRequest> => {
    if (record.state !== 'open') return record;
    const heads = await headsOf(git, gitFolder, [record.branch]);
    return { ...record, head: heads.get(record.branch) ?? record.head };
  };

  const known = async (records: LocalRecords, number: number): Promise<LocalPullRequest> => {
    const record = await records.read(number);
    if (record !== null) return record;
    throw new ForgeRefusal(`The local forge has no pull request ${number} of this repository. Deliver again to open one.`);
  };

  return {
    kind: 'local',

    findPullRequest: async (remote, branch) => {
      const { gitFolder, records } = repository(remote);
      const [found] = (await records.ofBranch(branch)).records;
      return found === undefined ? null : listed(await current(gitFolder, found));
    },

    openDraft: async ({ remote, branch, base, title, body }) => {
      const { gitFolder, name, records } = repository(remote);
      const head = await headToOpen(git, gitFolder, branch, base);
      for (let attempt = 1; attempt <= CREATE_ATTEMPTS_MAX; attempt++) {
        const { records: earlier, last } = await records.ofBranch(branch);
        const open = earlier.find(({ state }) => state === 'open');
        if (open !== undefined) return listed(await current(gitFolder, open));

        const number = last + 1;
        const url = `local://${name}/pull/${number}`;
        const record: LocalPullRequest = { number, url, state: 'open', draft: true, branch, base, head, title, body };
        if (await records.create(record)) return listed(record);
      }
      throw new OutsideFailure('The local forge is busy with other pull requests of this repository. Try again.');
    },

    commentOnce: async (remote, number, marker, body) => {
      const { records } = repository(remote);
      await known(records, number);
      await records.comment(number, marker, body);
    },

    read: async (remote, number) => {
      const { gitFolder, records } = repository(remote);
      return { ...(await current(gitFolder, await known(records, number))), comments: await records.comments(number) };
    },

    settle: async (remote, number, state) => {
      const { gitFolder, records } = repository(remote);
      await records.replace({ ...(await current(gitFolder, await known(records, number))), state });
    },

    reap: () => clearUnplaced(folder),

    probe: async (remote) => {
      const checks = [await checked('forge', () => writable(folder))];
      if (remote !== undefined) checks.push(await checked('repository', async () => reached(gitFolderOf(remote))));
      return checks;
    },
  };
};

const writable = async (folder: string): Promise<Omit<ForgeCheck, 'name'>> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await access(folder, constants.W_OK);
    return { status: 'pass', sentence: 'The local forge can write its records of pull requests.' };
  } catch {
    return { status: 'fail', sentence: 'The folder of the local forge cannot be written. Check its permissions.' };
  }
};

const reached = (gitFolder: string): Omit<ForgeCheck, 'name'> => ({
  status: 'pass',
  sentence: `The local forge reaches the repository ${nameOf(gitFolder)}.`,
});

/** Two repositories may share a name; the folder of their records also carries a digest of the place. */
const nameOf = (gitFolder: string): string => {
  const own = basename(gitFolder) === '.git' ? basename(dirname(gitFolder)) : basename(gitFolder, '.git');
  return own.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 100);
};

const listed = ({ number, url, state, draft, branch, head }: LocalPullRequest): PullRequest => ({
  number,
  url,
  state,
  draft,
  branch,
  head,
});

const headToOpen = async (git: Git, gitFolder: string, branch: string, base: string): Promise<string> => {
  const heads = await headsOf(git, gitFolder, [branch, base]);
  const head = heads.get(branch);
  if (head === undefined) throw new ForgeRefusal(`The branch "${branch}" is not at the remote. Push it first.`);
  if (!heads.has(base)) throw new ForgeRefusal(`The base branch "${base}" is not at the remote. Choose another base.`);
  if (heads.get(base) === head)
    throw new ForgeRefusal(`There are no commits between "${base}" and "${branch}". There is nothing to propose.`);
  return head;
};
