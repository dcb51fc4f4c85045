import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import { KINDS, type Kind, type Sample } from './flatness.ts';
import type { Premises } from './premises.ts';
import { Reading } from './reading.ts';

const MIB = 1024 ** 2;

const kindOf = (path: string): Kind => {
  if (path === 'audit.jsonl') return 'audit';
  if (/\.db-(wal|shm)$/.test(path)) return 'wal';
  const found = KINDS.find((kind) => path.startsWith(`${kind}.db`) || path.startsWith(`${kind}/`));
  return found ?? 'other';
};

/** Bytes and files below a folder, by kind; what goes away meanwhile does not count. */
const measured = async (folder: string, as: (path: string) => Kind, sum: Record<Kind, { bytes: number; files: number }>) => {
  for (const path of await readdir(folder, { recursive: true }).catch(() => [])) {
    const found = await lstat(join(folder, path)).catch(() => null);
    if (!found?.isFile() || path.endsWith('.ballast')) continue;
    const of = sum[as(path)];
    of.bytes += found.size;
    of.files++;
  }
};

const diskOf = async ({ services: [{ dataFolder }], artifactFolder }: Premises) => {
  const sum = Object.fromEntries(KINDS.map((kind) => [kind, { bytes: 0, files: 0 }])) as Record<
    Kind,
    { bytes: number; files: number }
  >; // A member for each.
  await measured(dataFolder, kindOf, sum);
  await measured(artifactFolder, () => 'artifacts', sum);
  const of = (what: 'bytes' | 'files') =>
    Object.fromEntries(KINDS.map((kind) => [kind, sum[kind][what]])) as Record<Kind, number>; // As above.
  return { disk: of('bytes'), files: of('files') };
};

/** How many processes have `pid` above them. */
const descendantsOf = async (pid: number): Promise<number> => {
  const children = new Map<number, number[]>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    // The name of the program stands in brackets, and may hold anything.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const count = (of: number): number => (children.get(of) ?? []).reduce((sum, child) => sum + 1 + count(child), 0);
  return count(pid);
};

const containersOf = async ({ setup, services: [{ dataFolder }] }: Premises): Promise<number> => {
  if (setup.sandbox !== 'docker') return 0;
  const owner = createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);
  return (await new Docker().listContainers({ all: true, filters: { label: [`countersign.owner=${owner}`] } })).length;
};

/** A look at the service; `undefined` while it is being started again. */
export const look = async (premises: Premises, minute: number): Promise<Sample | undefined> => {
  const life = premises.services[0].pid();
  if (life === undefined) return undefined;
  try {
    const [status, descriptors, reading] = await Promise.all([
      readFile(`/proc/${life}/status`, 'utf8'),
      readdir(`/proc/${life}/fd`),
      readFile(premises.meterFile, 'utf8').then((text) => Reading.parse(JSON.parse(text))),
    ]);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return {
      ...{ minute, life, descriptors: descriptors.length, threads: field('Threads'), rssMiB: field('VmRSS') / 1024 },
      ...{ heapMiB: reading.heapBytes / MIB, stallMs: reading.stallMs, lateMs: reading.lateMs },
      ...{ processes: await descendantsOf(life), containers: await containersOf(premises) },
      ...(await diskOf(premises)),
    };
  } catch (error) {
    // It ended meanwhile.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return undefined;
    throw error;
  }
};
