import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEnclosed } from '../../src/infra/agent/enclosure.ts';
import { markedProcesses } from '../../src/infra/agent/leftovers.ts';

const ROUNDS = 80;
const OPTIONS = [
  '--unshare-all',
  '--die-with-parent',
  '--json-status-fd',
  '4',
  '--clearenv',
  '--ro-bind',
  '/',
  '/',
  '--proc',
  '/proc',
];

describe('An enclosure that is killed while it is being made', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('ends, whenever that was, and leaves no process behind', { timeout: 60_000 }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const id = `killed-early-${process.pid}-${round}`;
      const program = startEnclosed({
        id,
        argv: ['sleep', '60'],
        bounds: { folders: [], members: async () => [], remove: async () => {} },
        bubblewrap: OPTIONS,
        environment: {},
        folder,
      });
      program.stdout.resume();
      program.stderr.resume();
      await pause(round / 5);
      program.kill();
      const ended = program.ended.then(() => 'ended' as const);
      expect([round, await Promise.race([ended, pause(5_000, 'hangs')])]).toEqual([round, 'ended']);
      expect(await markedProcesses(id)).toEqual([]);
    }
  });
});
