import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ensureOwnImage } from '../../src/infra/sandbox/own-image.ts';
import { ensureDocker } from '../support/docker-daemon.ts';

const REPOSITORY = 'countersign-test-own-image';

it('An image of our own is the same for the same bytes, wherever and whenever they were written, and another for others', async () => {
  const docker = await ensureDocker();
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const made = new Set<string>();
  onTestFinished(async () => {
    for (const reference of made) await docker.getImage(reference).remove();
  });
  const imageOf = async (name: string, text: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, text);
    await utimes(file, made.size, made.size);
    const reference = await ensureOwnImage(docker, REPOSITORY, new Map([['/script', file]]), [], folder);
    made.add(reference);
    return reference;
  };

  const first = await imageOf('here', 'one');
  expect(await imageOf('there', 'one')).toBe(first);
  expect(await imageOf('here', 'two')).not.toBe(first);
  expect(made.size).toBe(2);
});
