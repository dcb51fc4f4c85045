import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clearUnfinished, createArtifacts } from '../../src/infra/artifacts.ts';
import { temporaryFolder } from '../git/support/repository.ts';
import { artifactsContract, BYTES } from './contract.ts';

const createPlace = (bytesMax = 1024) => {
  const folder = join(temporaryFolder(), 'artifacts');
  const fileOf = (digest: string): string => join(folder, digest.slice(0, 2), digest);
  return { folder, fileOf, artifacts: createArtifacts({ folder, bytesMax }) };
};

describe('Artifacts in a folder', () => {
  artifactsContract(async () => {
    const { folder, fileOf } = createPlace();
    return {
      open: (bytesMax = 1024 * 1024) => createArtifacts({ folder, bytesMax }),
      names: async () =>
        (existsSync(folder) ? readdirSync(folder, { recursive: true }) : [])
          .map((name) => basename(String(name)))
          .filter((name) => name.length === 64),
      replace: async (digest, bytes) => writeFileSync(fileOf(digest), bytes),
      remove: async (digest) => rmSync(fileOf(digest)),
      age: async (digest, hours) => {
        const then = new Date(Date.now() - hours * 3_600_000);
        utimesSync(fileOf(digest), then, then);
      },
    };
  });

  it('are readable by the service alone', async () => {
    const { artifacts, folder, fileOf } = createPlace();
    const { digest } = await artifacts.put(BYTES);
    expect(statSync(fileOf(digest)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('are refused when replaced by a link or a folder, and a link is mended by the next put', async () => {
    const { artifacts, fileOf, folder } = createPlace();
    const ref = await artifacts.put(BYTES);
    const path = fileOf(ref.digest);
    const damages = [
      () => {
        writeFileSync(join(folder, 'elsewhere'), BYTES);
        rmSync(path);
        symlinkSync(join(folder, 'elsewhere'), path);
      },
      () => {
        rmSync(path);
        mkdirSync(path);
      },
    ];
    for (const [index, damage] of damages.entries()) {
      damage();
      await expect(artifacts.get(ref)).rejects.toThrow('damaged');
      if (index === 1) continue;
      await artifacts.put(BYTES);
      expect(await artifacts.get(ref)).toEqual(BYTES);
    }
  });

  it('do not wait for the writer of a named pipe in their place', async () => {
    const { artifacts, fileOf } = createPlace();
    const ref = await artifacts.put(BYTES);
    rmSync(fileOf(ref.digest));
    execFileSync('mkfifo', [fileOf(ref.digest)]);
    await expect(artifacts.get(ref)).rejects.toThrow('damaged');
  });

  it('leave no temporary file behind: one of a killed process is removed once it is old', async () => {
    const { artifacts, folder } = createPlace();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, '.writing-old'), 'x');
    writeFileSync(join(folder, '.writing-new'), 'x');
    utimesSync(join(folder, '.writing-old'), 1, 1);
    const { digest } = await artifacts.put(BYTES);
    expect(readdirSync(folder).sort()).toEqual(['.writing-new', digest.slice(0, 2)].sort());

    // Also while the process lives: another that shares the folder may have been killed.
    utimesSync(join(folder, '.writing-new'), 1, 1);
    await clearUnfinished(folder);
    expect(readdirSync(folder)).toEqual([digest.slice(0, 2)]);
  });
});
