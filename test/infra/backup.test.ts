import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { pruneArtifacts } from '../../src/infra/artifact-retention.ts';
import { createArtifacts } from '../../src/infra/artifacts.ts';
import { createBackups, makeBackup } from '../../src/infra/backup/make.ts';
import { BackupFault, fileDigests } from '../../src/infra/backup/manifest.ts';
import { restoreBackup } from '../../src/infra/backup/restore.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { mountSmallDisk } from '../chaos/disk.ts';
import { newEvents } from '../store/contract.ts';

const MiB = 1024 ** 2;

describe('A backup', () => {
  let dataFolder: string;
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'countersign-backup-'));
    await mkdir(join(dataFolder, 'artifacts'));
    await writeFile(join(dataFolder, 'artifacts', 'large'), Buffer.alloc(8 * MiB));
  });
  afterEach(() => rm(dataFolder, { recursive: true }));

  const make = (lookEveryMs: number) =>
    makeBackup({
      dataFolder,
      artifactFolder: join(dataFolder, 'artifacts'),
      holdsLog: false,
      now: () => '2026-11-21T12:00:00.000Z',
      lookEveryMs,
    });

  it('is given up when nobody takes it, so that others can have one', async () => {
    const { bytes, done } = await make(50);
    const body = Readable.toWeb(bytes).getReader();
    await body.read();
    await expect(done).rejects.toThrow('less than 1 MiB of it was taken in a minute');
    const rest = async (): Promise<void> => {
      while (!(await body.read()).done);
    };
    await expect(rest()).rejects.toThrow();
    expect(await readdir(dataFolder)).toEqual(['artifacts']);
  });

  it('says what to do when the disk has no room for it, and leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-backup-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const disk = await mountSmallDisk(folder, 4);
    onTestFinished(() => disk.unmount());
    const store = openSqliteStore({ file: join(folder, 'log.db') });
    onTestFinished(() => store.close());
    await store.append('task-1', newEvents(20), 'no_stream');
    const options = { dataFolder: folder, artifactFolder: join(dataFolder, 'artifacts'), now: () => '2026-11-21T12:00:00.000Z' };
    await disk.fill();
    await expect(makeBackup({ ...options, holdsLog: true })).rejects.toMatchObject({
      name: 'OutsideFailure',
      message: expect.stringContaining('Free some space'),
    });
    await expect(makeBackup({ ...options, holdsLog: false })).rejects.toMatchObject({ name: 'OutsideFailure' });
    expect((await readdir(folder)).filter((name) => name.startsWith('backup-'))).toEqual([]);
  });

  describe('restored', () => {
    let archive: Buffer;
    let around: string;
    let file: string;
    /** Looking through the log makes files beside it. */
    const namesIn = async (folder: string): Promise<string[]> =>
      Object.keys(await fileDigests(folder)).filter((name) => !/-(shm|wal)$/.test(name));
    const restore = (bytes: Buffer) =>
      writeFile(file, bytes).then(() =>
        restoreBackup({
          file,
          dataFolder: join(around, 'data'),
          artifactFolder: join(around, 'data', 'artifacts'),
          holdsLog: true,
          verifyLog: async () => new Map(),
        }),
      );

    beforeEach(async () => {
      const artifacts = createArtifacts({ folder: join(dataFolder, 'artifacts'), bytesMax: MiB });
      await rm(join(dataFolder, 'artifacts', 'large'));
      await artifacts.put(Buffer.from('a patch'));
      await mkdir(join(dataFolder, 'forge', 'acme'), { recursive: true });
      await writeFile(join(dataFolder, 'forge', 'acme', '1.json'), '{"number":1}');
      await writeFile(join(dataFolder, 'forge', 'acme', '.half'), '{"num');
      await writeFile(join(dataFolder, 'local-admin.json'), '{"token":"0123456789abcdef"}');
      const store = openSqliteStore({ file: join(dataFolder, 'log.db') });
      await store.append('task-1', newEvents(20), 'no_stream');
      const artifactFolder = join(dataFolder, 'artifacts');
      const { bytes, done } = await makeBackup({
        dataFolder,
        artifactFolder,
        holdsLog: true,
        now: () => '2026-11-21T12:00:00.000Z',
      });
      archive = await buffer(bytes);
      await done;
      await store.close();
      around = await mkdtemp(join(tmpdir(), 'countersign-restored-'));
      onTestFinished(() => rm(around, { recursive: true }));
      file = join(around, 'saved.tar');
    });

    it('is what was there, but for what was half written', async () => {
      expect(await restore(archive)).toMatchObject({ artifacts: 1, log: { events: 20 } });
      expect((await namesIn(join(around, 'data'))).filter((name) => !name.startsWith('artifacts/')).toSorted()).toEqual([
        'forge/acme/1.json',
        'local-admin.json',
        'log.db',
        'manifest.json',
      ]);
    });

    it('is restored from an archive of the first form, too, which said nothing of its files', async () => {
      await restore(archive);
      const [before, after] = [join(around, 'data'), join(around, 'older')];
      const { madeAt, log } = JSON.parse(await readFile(join(before, 'manifest.json'), 'utf8'));
      await writeFile(join(before, 'manifest.json'), JSON.stringify({ format: 1, madeAt, log }));
      await execa('tar', ['--create', '--file', file, '--directory', before, 'manifest.json', 'log.db', 'artifacts', 'forge']);
      await rename(before, after);
      expect(await restore(await readFile(file))).toMatchObject({ format: 1, artifacts: 1, log: { events: 20 } });
    });

    it('is refused, and leaves nothing, when one byte of any of its files is another', async () => {
      const whole = await restore(archive).then(() => join(around, 'data'));
      const files = await namesIn(whole);
      const parts = await Promise.all(files.map((name) => readFile(join(whole, name))));
      await rm(whole, { recursive: true });
      expect(files).toHaveLength(5);
      for (const part of parts) {
        const damaged = Buffer.from(archive);
        const at = archive.indexOf(part) + Math.floor(part.length / 2);
        damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
        await expect(restore(damaged)).rejects.toThrow(BackupFault);
        expect(await readdir(around)).toEqual(['saved.tar']);
      }
    });

    it('is refused, and leaves nothing, wherever it was cut short', async () => {
      const blocks = Array.from({ length: archive.length / 512 }, (_, number) => number * 512);
      const headers = blocks.filter((at) => archive.toString('latin1', at + 257, at + 262) === 'ustar');
      expect(headers.length).toBeGreaterThan(5);
      for (const bytes of [...headers, 100, archive.length * 0.3, archive.length * 0.6]) {
        await expect(restore(archive.subarray(0, bytes))).rejects.toThrow(BackupFault);
        expect(await readdir(around)).toEqual(['saved.tar']);
      }
    });
  });

  it('is whole when artifacts are cleared away while it is made', async () => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(dataFolder, 'artifacts', name), Buffer.alloc(MiB));
    const { bytes, done } = await make(10_000);
    let taken = 0;
    for await (const chunk of bytes) {
      if (taken === 0) await Promise.all(['large', 'a', 'b', 'c'].map((name) => rm(join(dataFolder, 'artifacts', name))));
      taken += chunk.length;
    }
    await done;
    expect(taken).toBeLessThan(11 * MiB);
  });

  it('keeps what its log names from being cleared away until it is taken, or given up', async () => {
    const artifactFolder = join(dataFolder, 'artifacts');
    const artifacts = createArtifacts({ folder: artifactFolder, bytesMax: MiB });
    const ref = await artifacts.put(Buffer.from('a patch'));
    await utimes(join(artifactFolder, ref.digest.slice(0, 2), ref.digest), 0, 0);
    const backups = createBackups({ dataFolder, artifactFolder, holdsLog: false, now: () => '2026-11-21T12:00:00.000Z' });
    const prune = () =>
      pruneArtifacts(artifacts, { ageMsMax: 0, bytesMax: 0 }, async () => new Set<string>(), backups.isUnderWay);

    const making = backups.make();
    await prune();
    const { bytes, done } = await making;
    await prune();
    expect(await artifacts.get(ref)).toEqual(Buffer.from('a patch'));
    bytes.destroy();
    await done.catch(() => undefined);
    await prune();
    await expect(artifacts.get(ref)).rejects.toThrow('missing');

    await rm(artifactFolder, { recursive: true });
    await writeFile(artifactFolder, 'no folder');
    await expect(backups.make()).rejects.toThrow();
    expect(backups.isUnderWay()).toBe(false);
  });

  it('may be taken slowly', async () => {
    const { bytes, done } = await make(250);
    let taken = 0;
    for await (const chunk of bytes) {
      const mebibytes = Math.floor((taken + chunk.length) / MiB) - Math.floor(taken / MiB);
      taken += chunk.length;
      if (mebibytes > 0) await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await done;
    expect(taken).toBeGreaterThan(8 * MiB);
  });
});
