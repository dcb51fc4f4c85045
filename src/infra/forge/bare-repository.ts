import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForgeRefusal } from '../../commands/ports/forge.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { GitFailure } from '../git/failure.ts';
import type { Git } from '../git/git.ts';
import { parseRemote, RemoteRefused } from '../git/remote.ts';

/** The folder in which git keeps the repository of `remote`, a path or a `file:` URL of this machine. Throws `ForgeRefusal`. */
export const gitFolderOf = (remote: string): string => {
  const path = pathOf(remote);
  const folder = [path, join(path, '.git')].find(
    (candidate) => existsSync(join(candidate, 'objects')) && existsSync(join(candidate, 'HEAD')),
  );
  if (folder === undefined) {
    throw new ForgeRefusal('The local forge finds no repository at the remote. Set origin to a bare repository of this machine.');
  }
  return realpathSync(folder);
};

const ELSEWHERE =
  'The local forge keeps pull requests for a bare repository of this machine, and this remote is elsewhere. Set FORGE=github, or origin to a path.';

const pathOf = (remote: string): string => {
  try {
    const { protocol, url } = parseRemote(remote, '/');
    if (protocol === 'file') return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch (error) {
    if (!(error instanceof RemoteRefused || error instanceof TypeError)) throw error;
  }
  throw new ForgeRefusal(ELSEWHERE);
};

/** Commits of those of the branches that exist. Throws `OutsideFailure`. */
export const headsOf = async (git: Git, gitDir: string, branches: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const refs = new Map(branches.map((branch) => [`refs/heads/${branch}`, branch]));
  const listing = await git
    .run(['for-each-ref', '--format=%(objectname) %(refname)', '--', ...refs.keys()], { gitDir })
    .catch((error: unknown) => {
      if (!(error instanceof GitFailure)) throw error;
      throw new OutsideFailure('git cannot read the branches of the repository behind the local forge. Check its permissions.');
    });

  const heads = new Map<string, string>();
  for (const line of listing.stdout.toString('utf8').split('\n')) {
    const [id = '', ref = ''] = line.split(' ');
    const branch = refs.get(ref);
    if (branch !== undefined) heads.set(branch, id);
  }
  return heads;
};
