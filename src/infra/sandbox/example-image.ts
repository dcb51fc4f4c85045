import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { ensureOwnImage } from './own-image.ts';

const REPOSITORY = 'countersign-example';

/** What the example image takes from this machine, where it has it; a shell and `cp` every machine has. */
const PROGRAMS = (
  'sh bash cat chmod cp date dd df echo false grep kill ln ls mkdir mktemp mount mv pwd readlink rm rmdir sed sleep sync touch true uname ' +
  'awk basename cmp cut diff dirname env find git head id od printf setsid sort stat tail test timeout tr uniq wc which xargs yes'
).split(' ');

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Path in the image to the file on this machine. Programs stand in both places where scripts look for them, stored once. */
export const examplePrograms = async (): Promise<ReadonlyMap<string, string>> => {
  const files = new Map([['/usr/local/bin/node', process.execPath]]);
  for (const name of PROGRAMS) {
    const path = join('/usr/bin', name);
    const found = (await isThere(path)) ? path : join('/bin', name);
    if (await isThere(found)) files.set(join('/bin', name), found).set(path, found);
  }
  return files;
};

/**
 * An image for the demo and the tests, made without a registry from this machine's own Node, shell and git; for nothing else. Made
 * once (some seconds), then found by its tag. Returns the reference `countersign-example:<fingerprint>`.
 */
export const ensureExampleImage = async (docker: Docker): Promise<string> => {
  const files = await examplePrograms();
  return ensureOwnImage(docker, REPOSITORY, files, [...files.values()]);
};
