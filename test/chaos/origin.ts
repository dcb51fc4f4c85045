import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { addRepository } from '../../src/infra/git/snapshots.ts';
import { commitInto, git } from '../support/git-commands.ts';
import { type GitHub, startGitHub } from '../support/github/index.ts';
import type { Setup } from './setups.ts';

export const REPOSITORY = 'acme/widgets';
/** The agent of the laboratory reads it in a request, and then does it wrong without feedback. */
export const WRONG_AT_FIRST = 'wrong at first';
const NAME = basename(REPOSITORY);

/** A pull request by the forge's own account. */
export interface Pull {
  readonly number: number;
  readonly branch: string;
  readonly draft: boolean;
  readonly state: string;
  /** Texts, in no order. */
  readonly comments: readonly string[];
}

/** Where the repository comes from and pull requests are opened. */
export interface Origin {
  /** What the service is told of it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The bare repository. */
  readonly bare: string;
  /** `null` with the local forge. */
  readonly github: GitHub | null;
  /** Makes the repository known to a service with this folder of snapshots. */
  clone(snapshotRoot: string): Promise<void>;
  pulls(): Promise<readonly Pull[]>;
  /** What `main` is, oldest first, by the account of those who made it: the beginning, and what somebody else pushed there since. */
  readonly main: readonly string[];
  /** Somebody else pushes a commit to `main`: one time in two it is in the way of what agents make. */
  pushToMain(): Promise<void>;
  stop(): Promise<void>;
}

const SUM = 'echo $(($1 - $2))\n';
/** Tests that want what was installed find it whole. */
const FILES = { 'sum.sh': SUM, 'test.sh': 'test "$(sh sum.sh 2 3)" = 5\n' };
const FILES_WITH_INSTALL = {
  '.countersign.yml': 'install: { run: sh make.sh, inputs: [make.sh], outputs: [lib] }\n',
  'make.sh': 'mkdir lib && echo half > lib/x && sleep 0.2 && echo whole > lib/x\n',
  'sum.sh': SUM,
  'test.sh': 'test "$(sh sum.sh 2 3)" = 5 && test "$(cat lib/x)" = whole\n',
};

/** `main` as others move it on. */
const openMain = async (bare: string): Promise<Pick<Origin, 'main' | 'pushToMain'>> => {
  const main = [await git(bare, ['rev-parse', 'main'])];
  let last: Promise<unknown> = Promise.resolve();
  return {
    main,
    pushToMain: async () => {
      const path = main.length % 2 === 0 ? 'notes.txt' : 'mark.txt';
      const pushed = last.then(async () => main.push(await commitInto(bare, 'main', `${randomUUID()}\n`, { path })));
      last = pushed.catch(() => undefined);
      await pushed;
    },
  };
};

const seedWith = (files: Readonly<Record<string, string>>) => async (folder: string) => {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
};

const openGitHub = async (files: Readonly<Record<string, string>>): Promise<Origin> => {
  const github = await startGitHub({ repositories: [{ owner: 'acme', name: NAME, seed: seedWith(files) }] });
  return {
    environment: {
      FORGE: 'github',
      GH_HOST: github.ghEnvironment.GH_HOST ?? '',
      GH_CONFIG_DIR: github.ghEnvironment.GH_CONFIG_DIR ?? '',
      GH_TOKEN: github.gitToken,
    },
    bare: github.bare(REPOSITORY),
    github,
    clone: async (snapshotRoot) => {
      const url = github.remoteUrl(REPOSITORY);
      await addRepository({ url, name: REPOSITORY, snapshotRoot, gitCredentials: { token: async () => github.gitToken } });
    },
    ...(await openMain(github.bare(REPOSITORY))),
    pulls: async () =>
      Promise.all(
        (await github.pulls(REPOSITORY)).map(async ({ number, head, draft, state }) => {
          const comments = await github.comments(REPOSITORY, number);
          return { number, branch: head.ref, draft, state, comments };
        }),
      ),
    stop: () => github.stop(),
  };
};

const Recorded = z.object({ number: z.int(), branch: z.string(), draft: z.boolean(), state: z.string() });
const Comment = z.object({ body: z.string() });

/** Each file whose name fits, parsed; none while there is no such folder. */
const filesIn = async <T>(folder: string, fits: RegExp, shape: z.ZodType<T>): Promise<readonly T[]> => {
  const names = (await readdir(folder, { recursive: true }).catch(() => [])).filter((name) => fits.test(name));
  return Promise.all(names.map(async (name) => shape.parse(JSON.parse(await readFile(join(folder, name), 'utf8')))));
};

/** The local forge keeps a file a pull request, in the data folder of the one service there is. */
const openLocal = async (files: Readonly<Record<string, string>>, folder: string): Promise<Origin> => {
  const [bare, seed, records] = [`${NAME}.git`, 'seed', 'service-1/forge'].map((name) => join(folder, name));
  if (!bare || !seed || !records) throw new Error('three names make three paths');
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await git('/', ['init', '--quiet', '--initial-branch=main', seed]);
  await mkdir(seed, { recursive: true });
  await seedWith(files)(seed);
  await git(seed, ['add', '--all']);
  await git(seed, ['commit', '--quiet', '-m', 'The beginning']);
  await git(seed, ['push', '--quiet', bare, 'HEAD:refs/heads/main']);
  return {
    environment: { FORGE: 'local', ALLOWED_INSTALL_COMMANDS: 'sh make.sh' },
    bare,
    github: null,
    clone: async (snapshotRoot) => void (await addRepository({ url: bare, name: REPOSITORY, snapshotRoot })),
    ...(await openMain(bare)),
    pulls: async () =>
      Promise.all(
        (await filesIn(records, /^[^/]+\/\d+\.json$/, Recorded)).map(async (pull) => {
          const comments = await filesIn(records, new RegExp(`^[^/]+/${pull.number}\\.comments/[^.]+\\.json$`), Comment);
          return { ...pull, comments: comments.map(({ body }) => body) };
        }),
      ),
    stop: async () => {},
  };
};

export const openOrigin = ({ forge, installs }: Setup, folder: string): Promise<Origin> => {
  const files = installs ? FILES_WITH_INSTALL : FILES;
  return forge === 'github' ? openGitHub(files) : openLocal(files, folder);
};
