import { createWriteStream } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { bytes, count } from '../../../projections/words.ts';
import type { BackupReport } from '../../backup/read.ts';
import { type RestoreOptions, type RestoreReport, restoreBackup, verifyBackup } from '../../backup/restore.ts';
import { visibleJson } from '../../visible.ts';
import type { Deal, Desk } from '../desk.ts';
import { Failure } from '../failure.ts';

const inWords = ({ log, artifacts }: BackupReport): string =>
  `${log === null ? 'no log (it stands in EventStoreDB)' : count(log.events, 'event')}, ${count(artifacts, 'artifact')}`;

const backUp = async (desk: Desk, typed: string): Promise<void> => {
  const file = resolve(typed);
  if (await lstat(file).catch(() => null)) throw new Failure('There is a file of that name already. Name another one.');
  const api = await desk.connect();
  const partial = `${file}.partial`;
  try {
    await pipeline(await api.open('POST', '/backup'), createWriteStream(partial, { mode: 0o600, flags: 'wx', flush: true }));
    const report = await verifyBackup(partial);
    const { size } = await lstat(partial);
    await rename(partial, file);
    desk.terminal.print(
      ...(desk.json
        ? [visibleJson({ file, bytes: size, ...report })]
        : [
            `  ${file}: ${bytes(size)}, looked through and whole: ${inWords(report)}.`,
            '  Keep it where only you can read it: it holds the local administrator’s token. Not in it: .env, and the repositories.',
          ]),
    );
  } finally {
    await rm(partial, { force: true });
  }
};

/** Most artifacts that are named one by one. */
const MISSING_MAX = 20;

const missingInWords = ({ missing }: RestoreReport, { terminal }: Desk): string[] =>
  missing.length === 0
    ? []
    : [
        terminal.ink('warn', `  Named by open tasks, but not there: ${count(missing.length, 'artifact')}.`),
        ...missing.slice(0, MISSING_MAX).map(({ digest, taskId }) => `    ${digest} of task ${taskId}`),
        ...(missing.length > MISSING_MAX ? [`    and ${missing.length - MISSING_MAX} more`] : []),
        '  They cannot be read, and a stage that needs one fails: rerun its task then. Those of earlier attempts may have gone by their age.',
      ];

const restore = async (desk: Desk, typed: string): Promise<void> => {
  const { configuration } = await desk.configuration();
  const { dataFolder, artifactFolder, artifactStore, eventStoreUrl } = configuration;
  const progress = desk.terminal.progress('  events read');
  const verifyLog: RestoreOptions['verifyLog'] = async (folder) => {
    const offline = await desk.composition.offline({
      ...configuration,
      dataFolder: folder,
      artifactFolder: join(folder, 'artifacts'),
      auditFile: join(folder, 'audit.jsonl'),
    });
    try {
      const { faults } = await offline.replay((done) => !desk.json && progress.update(done, null));
      if (faults.length > 0) throw new Failure('The log of this backup does not hold: its hashes are not what they should be.');
      // A bucket is not in a backup.
      return artifactStore === null ? await offline.needed() : new Map();
    } finally {
      await offline.close();
    }
  };
  const report = await restoreBackup({
    file: resolve(typed),
    dataFolder,
    artifactFolder,
    holdsLog: eventStoreUrl === null,
    verifyLog,
  });
  if (!desk.json) progress.end();
  desk.terminal.print(
    ...(desk.json
      ? [visibleJson({ dataFolder, ...report })]
      : [
          `  ${dataFolder} is as it was ${report.madeAt}: ${inWords(report)}; every hash was computed anew.`,
          ...missingInWords(report, desk),
          '  Never run the service it was taken from beside this one: both would deliver. Start this one with: countersign serve',
        ]),
  );
};

/** `backup` and `restore`. */
export const addBackupCommands = (program: Command, deal: Deal): void => {
  program
    .command('backup')
    .description('write everything that cannot be made again into one archive, while the service runs')
    .argument('<file>', 'the archive to write, such as countersign.tar')
    .action(deal((desk, file: string) => backUp(desk, file)));
  program
    .command('restore')
    .description('make an empty data folder what a backup holds')
    .argument('<file>', 'from "countersign backup"')
    .action(deal((desk, file: string) => restore(desk, file)));
};
