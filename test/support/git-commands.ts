import { execa } from 'execa';

const ENVIRONMENT = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_TERMINAL_PROMPT: '0',
};

/** Git as a person would run it in `folder`, without this machine's configuration. Gives what it printed, without the last line break. */
export const git = async (
  folder: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> => {
  const { stdout } = await execa('git', args, {
    cwd: folder,
    env: { ...ENVIRONMENT, ...options.env },
    extendEnv: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  return stdout;
};

/** Moves `branch` of a bare repository one commit on from `from`: a file `path` with `content`. Gives the commit. */
export const commitInto = async (
  bare: string,
  branch: string,
  content: string,
  { from = 'main', path = 'change.txt' }: { readonly from?: string; readonly path?: string } = {},
): Promise<string> => {
  const blob = await git(bare, ['hash-object', '-w', '--stdin'], { input: content });
  const listing = await git(bare, ['ls-tree', from]);
  const others = listing.split('\n').filter((line) => line !== '' && !line.endsWith(`\t${path}`));
  const tree = await git(bare, ['mktree'], { input: `${[...others, `100644 blob ${blob}\t${path}`].join('\n')}\n` });
  const commit = await git(bare, ['commit-tree', tree, '-p', from], { input: 'A change\n' });
  await git(bare, ['update-ref', `refs/heads/${branch}`, commit]);
  return commit;
};

/** A bare repository at `bare` whose `main` holds one commit. */
export const bareRepository = async (bare: string): Promise<void> => {
  await git('/', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  const tree = await git(bare, ['mktree'], { input: '' });
  const commit = await git(bare, ['commit-tree', tree], { input: 'The beginning\n' });
  await git(bare, ['update-ref', 'refs/heads/main', commit]);
};

export type TreeFiles = Readonly<
  Record<string, string | { readonly mode: string; readonly content: string } | { readonly mode: '160000'; readonly id: string }>
>;

/** Makes a commit without parents of exactly these entries and moves `branch` of a bare repository there: no attribute changes a byte. */
export const commitTree = async (bare: string, branch: string, files: TreeFiles): Promise<string> => {
  const lines: string[] = [];
  for (const [path, file] of Object.entries(files)) {
    const { mode, ...rest } = typeof file === 'string' ? { mode: '100644', content: file } : file;
    const id = 'id' in rest ? rest.id : await git(bare, ['hash-object', '-w', '--stdin'], { input: rest.content });
    lines.push(`${mode} ${id}\t${path}\0`);
  }
  const env = { GIT_INDEX_FILE: `${bare}/commit-tree.index` };
  await git(bare, ['read-tree', '--empty'], { env });
  await git(bare, ['update-index', '-z', '--index-info'], { env, input: lines.join('') });
  const commit = await git(bare, ['commit-tree', await git(bare, ['write-tree'], { env })], { input: 'The beginning\n' });
  await git(bare, ['update-ref', `refs/heads/${branch}`, commit]);
  return commit;
};
