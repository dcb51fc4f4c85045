import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { execa } from 'execa';
import { ensureExampleImage, examplePrograms } from '../../src/infra/sandbox/example-image.ts';
import { ensureOwnImage } from '../../src/infra/sandbox/own-image.ts';
import { ensureDocker } from './docker-daemon.ts';

/** The reference of an image with Node, a shell and git, on an engine that is started when it has to be. */
export const ensureTestImage = async (): Promise<string> => ensureExampleImage(await ensureDocker());

const NPM_FOLDER = '/usr/local/lib/node_modules/npm';

/** The reference of such an image that has this machine's npm, too. */
export const ensureNpmImage = async (): Promise<string> => {
  const docker = await ensureDocker();
  const { stdout } = await execa('sh', ['-c', 'realpath "$(command -v npm)"']);
  const npm = new Map([
    [NPM_FOLDER, dirname(dirname(stdout))],
    ['/usr/local/bin/npm', fileURLToPath(new URL('npm.sh', import.meta.url))],
  ]);
  const programs = await examplePrograms();
  return ensureOwnImage(docker, 'countersign-example-npm', new Map([...programs, ...npm]), [...programs.values()]);
};

/** `id` is what the engine calls it; remove it when done. */
const importFolder = async (docker: Docker, folder: string, changes: readonly string[]): Promise<string> => {
  const tar = execa('tar', ['--create', '--owner=0', '--group=0', '--directory', folder, '.'], {
    encoding: 'buffer',
    buffer: false,
  });
  const options = { changes: [...changes] };
  const [answer] = await Promise.all([docker.importImage(tar.stdout, options).then(text), tar]);
  const [id] = /sha256:[0-9a-f]{64}/.exec(answer) ?? [];
  if (id === undefined) throw new Error(`no image: ${answer}`);
  return id;
};

/**
 * An image of busybox alone, with what makes life hard: a `/work` that only root may write to, volumes, an entry point, a health
 * check, a working folder, variables. `changes` are instructions of a Dockerfile. Returns its id.
 */
export const importHostileImage = async (
  docker: Docker,
  changes: readonly string[],
  tools: readonly string[],
): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-image-'));
  try {
    for (const name of ['bin', 'etc', 'tmp', 'work', 'data']) await mkdir(join(folder, name));
    await copyFile('/bin/busybox', join(folder, 'bin/busybox'));
    for (const tool of tools) await symlink('busybox', join(folder, 'bin', tool));
    await writeFile(join(folder, 'etc/passwd'), 'nobody:x:65534:65534::/:/bin/sh\n');
    await chmod(folder, 0o755);
    return await importFolder(docker, folder, changes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
