import { z } from 'zod';

/** Version of the archive's form. */
export const BACKUP_FORMAT = 1;

/** What a backup says about itself: the archive's first file. */
export const Manifest = z.strictObject({
  format: z.literal(BACKUP_FORMAT),
  madeAt: z.iso.datetime({ precision: 3 }),
  /** `null`: the log stands in EventStoreDB, which has backups of its own. */
  log: z.strictObject({ storeId: z.string(), events: z.int().min(0) }).nullable(),
});
export type Manifest = z.infer<typeof Manifest>;

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
