import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { execa } from 'execa';

const REPOSITORY = 'countersign-example';

/** What the example image takes from this machine, where it has it; a shell and `cp` every machine has. */
const PROGRAMS = (
  'sh bash cat chmod cp date dd df echo false grep kill ln ls mkdir mktemp mount mv pwd readlink rm rmdir sed sleep sync touch true uname ' +
  'awk basename cmp cut diff dirname env find git head id od printf setsid sort stat tail test timeout tr uniq wc which xargs yes'
).split(' ');

const ETC = {
  passwd: 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n',
  group: 'root:x:0:\nnogroup:x:65534:\n',
};

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The shared libraries the programs load, as `ldd` names them: absolute paths, the loader included. */
const librariesOf = async (programs: readonly string[]): Promise<readonly string[]> => {
  const { stdout } = await execa('ldd', [...programs], {
    reject: false,
    extendEnv: false,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  return [...new Set(Array.from(stdout.matchAll(/(?:=> |^\t)(\/\S+) \(0x/gm), ([, path]) => path ?? ''))];
};

/** Path in the image to the file on this machine. Programs stand in both places where scripts look for them, stored once. */
const programs = async (): Promise<ReadonlyMap<string, string>> => {
  const files = new Map([['/usr/local/bin/node', process.execPath]]);
  for (const name of PROGRAMS) {
    const path = join('/usr/bin', name);
    const found = (await isThere(path)) ? path : join('/bin', name);
    if (await isThere(found)) files.set(join('/bin', name), found).set(path, found);
  }
  return files;
};

/** Changes whenever one of the files does, so an old image is not taken for the present one. */
const fingerprint = async (files: ReadonlyMap<string, string>): Promise<string> => {
  const hash = createHash('sha256');
  for (const [inside, path] of files) {
    const { size, mtimeMs } = await stat(path);
    // Every checkout has a Node of its own; the same one makes the same image.
    hash.update(path === process.execPath ? `${process.version}\0${size}\n` : `${inside}\0${path}\0${size}\0${mtimeMs}\n`);
  }
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
 * An image for the demo and the tests, made without a registry from this machine's own Node, shell and git; for nothing else. Made
 * once (some seconds), then found by its tag. Returns the reference `countersign-example:<fingerprint>`.
 */
export const ensureExampleImage = async (docker: Docker): Promise<string> => {
  const files = await programs();
  const tag = await fingerprint(files);
  const reference = `${REPOSITORY}:${tag}`;
  const found = await docker.listImages({ filters: { reference: [reference] } });
  if (found.length > 0) return reference;

  const folder = await mkdtemp(join(tmpdir(), 'countersign-image-'));
  try {
    const libraries = await librariesOf([...files.values()]);
    await stage(new Map([...files, ...libraries.map((path) => [path, path] as const)]), folder);
    const tar = execa('tar', ['--dereference', '--create', '--owner=0', '--group=0', '--directory', folder, '.'], {
      encoding: 'buffer',
      buffer: false,
      extendEnv: false,
      env: { PATH: '/usr/bin:/bin' },
    });
    const [answer] = await Promise.all([docker.importImage(tar.stdout, { repo: REPOSITORY, tag }).then(text), tar]);
    if (answer.includes('errorDetail')) throw new Error('The Docker engine did not take the example image. Its log says why.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return reference;
};
