import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { Digest, digestOf } from '../../domain/canonical.ts';

const said = {
  madeAt: z.iso.datetime({ precision: 3 }),
  /** `null`: the log stands in EventStoreDB, which has backups of its own. */
  log: z.strictObject({ storeId: z.string(), events: z.int().min(0) }).nullable(),
};
const Sealed = z.strictObject({
  format: z.literal(2),
  ...said,
  /** Of every other file that is not an artifact, whose name is its digest, by its path in the archive. */
  digests: z.record(z.string(), Digest),
  /** Of the rest of this. */
  seal: Digest,
});

/** What a backup says about itself: the archive's first file. The first form said nothing of the other files. */
export const Manifest = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal(1), ...said }),
  Sealed.refine(({ seal, ...rest }) => seal === digestOf(rest)),
]);
export type Manifest = z.infer<typeof Manifest>;

/** A manifest of today's form. */
export const sealedManifest = (manifest: Omit<z.infer<typeof Sealed>, 'format' | 'seal'>): Manifest => {
  const rest = { format: 2 as const, ...manifest };
  return { ...rest, seal: digestOf(rest) };
};

export const fileDigest = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
};

/** Digests of all files below a folder, by their path in it. */
export const fileDigests = async (folder: string): Promise<Record<string, string>> => {
  const digests: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) digests[relative(folder, path)] = await fileDigest(path);
  }
  return digests;
};

/** Names in the archive, and in a data folder. */
export const MANIFEST = 'manifest.json';
export const LOG = 'log.db';
export const ARTIFACTS = 'artifacts';
/** What else cannot be made again from the log: the local administrator's token, and the records of the local forge. */
export const KEPT = ['local-admin.json', 'forge'] as const;

/** The file is no backup, or a damaged one. The message is for the person at the terminal. */
export class BackupFault extends Error {
  override readonly name = 'BackupFault';
}
