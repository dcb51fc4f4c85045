import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { execa } from 'execa';

const ETC = {
  passwd: 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
};

/** The shared libraries the programs load, as `ldd` names them: absolute paths, the loader included. */
const librariesOf = async (programs: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await execa('ldd', [...programs], {
    reject: false,
    extendEnv: false,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  return [...new Set(Array.from(stdout.matchAll(/(?:=> |^\t)(\/\S+) \(0x/gm), ([, path]) => path ?? ''))];
};

/** What stands for the contents of `path`: of a file its digest; of a folder, which holds packages of this machine, its name and time. */
const contentsOf = async (path: string): Promise<string> => {
  const found = await stat(path);
  if (found.isDirectory()) return `${path} ${found.mtimeMs}`;
  // A hundred megabytes.
  if (path === process.execPath) return `${process.version} ${found.size}`;
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
};

/** The same for the same files, from whichever checkout; another when one of them is, so that an old image is not taken for the present one. */
const fingerprint = async (files: ReadonlyMap<string, string>): Promise<string> => {
  const hash = createHash('sha256');
  for (const [inside, path] of files) hash.update(`${inside}\0${await contentsOf(path)}\n`);
  return hash.digest('hex').slice(0, 12);
};

/** A folder of links, which tar follows: nothing is copied on the way into the image. */
const stage = async (files: ReadonlyMap<string, string>, folder: string): Promise<void> => {
  for (const [inside, path] of files) {
    await mkdir(join(folder, dirname(inside)), { recursive: true });
    await symlink(path, join(folder, inside));
  }
  await mkdir(join(folder, 'etc'));
  for (const [name, lines] of Object.entries(ETC)) await writeFile(join(folder, 'etc', name), lines);
  await mkdir(join(folder, 'tmp'));
  await chmod(join(folder, 'tmp'), 0o1777);
  await chmod(folder, 0o755);
};

/**
 * An image made without a registry from files of this machine: path in the image to file here, and the libraries that `programs` of
 * them load. Made once (some seconds) by way of a folder in `scratchFolder`, then found by its tag. Returns the reference
 * `<repository>:<fingerprint>`.
 */
export const ensureOwnImage = async (
  docker: Docker,
  repository: string,
  files: ReadonlyMap<string, string>,
  programs: readonly string[],
  scratchFolder = tmpdir(),
): Promise<string> => {
  const tag = await fingerprint(files);
  const reference = `${repository}:${tag}`;
  const found = await docker.listImages({ filters: { reference: [reference] } });
  if (found.length > 0) return reference;

  const folder = await mkdtemp(join(scratchFolder, 'countersign-image-'));
  try {
    const libraries = await librariesOf(programs);
    await stage(new Map([...files, ...libraries.map((path) => [path, path] as const)]), folder);
    const tar = execa('tar', ['--dereference', '--create', '--owner=0', '--group=0', '--directory', folder, '.'], {
      encoding: 'buffer',
      buffer: false,
      extendEnv: false,
      env: { PATH: '/usr/bin:/bin' },
    });
    // An engine that goes away takes no more of it, and it would wait for ever.
    const [answer] = await Promise.all([docker.importImage(tar.stdout, { repo: repository, tag }).then(text), tar]).finally(() =>
      tar.kill(),
    );
    if (answer.includes('errorDetail')) throw new Error('The Docker engine did not take an image of our own. Its log says why.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return reference;
};
