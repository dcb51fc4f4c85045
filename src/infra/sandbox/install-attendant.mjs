/**
 * Runs in a container of ours beside an install step, and is all that the two share a network with: a loopback and nothing else. It hands
 * what arrives there to the egress proxy of the service, and holds the volume in which the step works. On SIGUSR2, when the step's own
 * container is gone, it copies the outputs out: a tree that somebody else wrote is read here, where there is nothing to be led to, and
 * never by the service. One plain file without imports of ours: the image holds it and Node.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';

const { outputs, scratch, bytesMax, entriesMax, freeBytesMin } = JSON.parse(process.argv[2]);
const EGRESS_SOCKET = '/egress/socket';
const PORT = 3128;

/** A sentence for a person, without a name that the step chose. */
class Refused extends Error {}

const SLASH = Buffer.from('/');
const below = (folder, name) => Buffer.concat([folder, SLASH, name]);
const statOf = (path) => lstatSync(path, { throwIfNoEntry: false });

let bytes = 0;
let entries = 0;

const count = (size) => {
  entries += 1;
  bytes += size;
  if (bytes > bytesMax) throw new Refused(`is larger than ${Math.ceil(bytesMax / 1024 / 1024)} MiB`);
  if (entries > entriesMax) throw new Refused(`holds more than ${entriesMax} files`);
};

/** Bytes, links as they are, and whether a file can be executed; of everything else there is none, and nothing is followed. */
const copy = (from, to) => {
  const stat = lstatSync(from);
  count(stat.isFile() ? stat.size : 0);
  if (stat.isDirectory()) {
    mkdirSync(to);
    for (const name of readdirSync(from, { encoding: 'buffer' })) copy(below(from, name), below(to, name));
    chmodSync(to, 0o755);
  } else if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to);
  } else if (stat.isFile()) {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    chmodSync(to, stat.mode & 0o111 ? 0o755 : 0o644);
  } else {
    throw new Refused('holds what is neither a file, a folder nor a link');
  }
};

/** What a test may write to stands on folders that are there in any case; the rest is read-only. */
const makeScratch = (folder) => {
  for (const name of scratch) {
    if (statOf(`${folder}/${name}`)?.isDirectory() === true) continue;
    rmSync(`${folder}/${name}`, { force: true });
    mkdirSync(`${folder}/${name}`, { mode: 0o755 });
  }
};

/** No part of the way to an output may be a link: it could lead into the volume of nobody, but also around in circles. */
const isFolder = (path) => {
  const parts = path.split('/');
  return parts.every((_, at) => statOf(`/made/${parts.slice(0, at + 1).join('/')}`)?.isDirectory() === true);
};

const keep = () => {
  const { bavail, bsize } = statfsSync('/kept');
  if (bavail * bsize < freeBytesMin + bytesMax)
    return { outside: 'The disk under the data folder is almost full. Free some space.' };
  let shown = '';
  try {
    for (const [at, path] of outputs.entries()) {
      shown = path;
      if (!isFolder(path)) throw new Refused('is no folder after it');
      copy(Buffer.from(`/made/${path}`), Buffer.from(`/kept/${at}`));
      if (/(?:^|\/)node_modules$/.test(path)) makeScratch(`/kept/${at}`);
    }
    return { bytes, entries };
  } catch (error) {
    if (error instanceof Refused) return { refused: `\`${shown}\` ${error.message}` };
    if (error.code === 'EACCES') return { refused: `\`${shown}\` holds what not everybody may read` };
    if (error.code === 'ENAMETOOLONG' || error instanceof RangeError) return { refused: `\`${shown}\` is nested too deeply` };
    return {
      outside: `What the install step made could not be kept (${error.code ?? 'a fault'}). Free some space, or look at the disk.`,
    };
  }
};

const join = (one, other) => {
  one.pipe(other);
  one.on('error', () => other.destroy());
  one.on('close', () => other.destroy());
};

const say = (line) => process.stdout.write(`${line}\n`);

process.on('SIGUSR2', () => {
  say(JSON.stringify(keep()));
  process.exit(0);
});

if (existsSync(EGRESS_SOCKET)) {
  const relay = createServer({ allowHalfOpen: true }, (inner) => {
    const outer = connect({ path: EGRESS_SOCKET, allowHalfOpen: true });
    join(inner, outer);
    join(outer, inner);
  });
  relay.listen(PORT, '127.0.0.1', () => say('ready'));
} else {
  setInterval(() => undefined, 2 ** 30);
  say('ready');
}
