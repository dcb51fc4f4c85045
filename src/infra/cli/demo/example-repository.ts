import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createGit } from '../../git/git.ts';

const FILES = join(import.meta.dirname, 'repository');

const AUTHOR = {
  GIT_AUTHOR_NAME: 'Countersign example',
  GIT_AUTHOR_EMAIL: 'example@countersign.invalid',
  GIT_COMMITTER_NAME: 'Countersign example',
  GIT_COMMITTER_EMAIL: 'example@countersign.invalid',
};

/** A small shop with a failing test, in a bare repository `origin` below `folder` that plays the remote, and as files a reader can look into. */
export const makeExampleRepository = async (folder: string): Promise<{ readonly origin: string; readonly files: string }> => {
  const [origin, files] = [join(folder, 'origin.git'), join(folder, 'shop')];
  await mkdir(folder, { recursive: true });
  await cp(FILES, files, { recursive: true });
  const git = createGit(join(folder, 'git'));
  const call = { gitDir: origin, workTree: files, env: AUTHOR };
  await git.run(['init', '--quiet', '--bare', '--initial-branch=main', '--template=', origin]);
  await git.run(['add', '--all'], call);
  await git.run(['commit', '--quiet', '--message', 'A very small shop'], call);
  return { origin, files };
};
