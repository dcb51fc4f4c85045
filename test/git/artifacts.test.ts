import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/canonical.ts';
import { createArtifacts } from '../../src/infra/artifacts.ts';
import { temporaryFolder } from './support/repository.ts';

const BYTES = Buffer.from([0, 255, 10, 13, 200]);

const createPlace = (bytesMax = 1024) => {
  const folder = join(temporaryFolder(), 'artifacts');
  const fileOf = (digest: string): string => join(folder, digest.slice(0, 2), digest);
  return { folder, fileOf, artifacts: createArtifacts({ folder, bytesMax }) };
};

describe('Artifacts', () => {
  it('come back byte for byte, also the empty one', async () => {
    const { artifacts } = createPlace();
    for (const bytes of [BYTES, Buffer.alloc(0)]) {
      const ref = await artifacts.put(bytes);
      expect(ref).toEqual({ digest: sha256(bytes), bytes: bytes.length });
      expect(await artifacts.get(ref)).toEqual(bytes);
    }
  });

  it('are one file however often and by however many they are put', async () => {
    const { artifacts, folder, fileOf } = createPlace();
    const other = createArtifacts({ folder, bytesMax: 1024 });
    const refs = await Promise.all([artifacts.put(BYTES), other.put(BYTES), artifacts.put(BYTES)]);
    const digest = sha256(BYTES);
    expect(new Set(refs.map((ref) => ref.digest))).toEqual(new Set([digest]));
    expect(readdirSync(folder)).toEqual([digest.slice(0, 2)]);
    expect(readFileSync(fileOf(digest))).toEqual(BYTES);
  });

  it('are readable by the service alone', async () => {
    const { artifacts, folder, fileOf } = createPlace();
    const { digest } = await artifacts.put(BYTES);
    expect(statSync(fileOf(digest)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('are refused over the limit, before anything is written', async () => {
    const { artifacts, folder } = createPlace(4);
    await expect(artifacts.put(BYTES)).rejects.toThrow(RangeError);
    expect(() => readdirSync(folder)).toThrow();
  });

  it('are refused when damaged, cut, replaced by a link or missing, and mended by the next put', async () => {
    const { artifacts, fileOf, folder } = createPlace();
    const ref = await artifacts.put(BYTES);
    const path = fileOf(ref.digest);
    const damages = [
      () => writeFileSync(path, Buffer.from([0, 255, 10, 13, 201])),
      () => writeFileSync(path, BYTES.subarray(1)),
      () => {
        writeFileSync(join(folder, 'elsewhere'), BYTES);
        rmSync(path);
        symlinkSync(join(folder, 'elsewhere'), path);
      },
      () => {
        rmSync(path);
        mkdirSync(path);
      },
      () => rmSync(path, { recursive: true }),
    ];
    for (const [index, damage] of damages.entries()) {
      damage();
      await expect(artifacts.get(ref)).rejects.toThrow('missing or damaged');
      if (index === 3) continue;
      await artifacts.put(BYTES);
      expect(await artifacts.get(ref)).toEqual(BYTES);
    }
  });

  it('do not wait for the writer of a named pipe in their place', async () => {
    const { artifacts, fileOf } = createPlace();
    const ref = await artifacts.put(BYTES);
    rmSync(fileOf(ref.digest));
    execFileSync('mkfifo', [fileOf(ref.digest)]);
    await expect(artifacts.get(ref)).rejects.toThrow('missing or damaged');
  });

  it('are never named by anything but a digest', async () => {
    const { artifacts } = createPlace();
    await expect(artifacts.get({ digest: '../../etc/passwd', bytes: 1 })).rejects.toThrow();
    await expect(artifacts.get({ digest: sha256(BYTES), bytes: -1 })).rejects.toThrow();
  });

  it('leave no temporary file behind: one of a killed process is removed once it is old', async () => {
    const { artifacts, folder } = createPlace();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.writing-old'), 'x');
    writeFileSync(join(folder, '.writing-new'), 'x');
    utimesSync(join(folder, '.writing-old'), 1, 1);
    const { digest } = await artifacts.put(BYTES);
    expect(readdirSync(folder).sort()).toEqual(['.writing-new', digest.slice(0, 2)].sort());
  });
});
