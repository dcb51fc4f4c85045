import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Installed, InstallFailed, type InstallRequest, type Installs } from '../../src/commands/ports/installs.ts';
import type { InstallStep } from '../../src/domain/install-step.ts';
import { createInstalls, type MakeInstall, noInstalls } from '../../src/infra/sandbox/installs.ts';
import { LIMITS } from './limits.ts';

const STEP: InstallStep = { run: 'npm ci', inputs: ['lock'], outputs: ['lib'], hosts: [], fromChangedInputs: false };
const DAY_MS = 86_400_000;
const SIZE = 1_000_000;

const request = (change: Partial<InstallRequest> = {}): InstallRequest => ({
  owner: 'test',
  image: { kind: 'docker', reference: 'node:22', id: 'sha256:one' },
  step: STEP,
  inputs: new Map([['lock', Buffer.from('1')]]),
  limits: LIMITS,
  signal: new AbortController().signal,
  onProgress: () => {},
  ...change,
});

describe('The cache of installed packages', () => {
  let folder: string;
  let made: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
    made = [];
    return () => rm(folder, { recursive: true, force: true });
  });

  const make: MakeInstall = async ({ step }, { key, keepFolder }) => {
    made.push(key);
    for (const at of step.outputs.keys()) await mkdir(join(keepFolder, String(at)));
    return { bytes: SIZE, entries: 1 };
  };
  const open = async (bytesMax = 100 * SIZE, by = make): Promise<Installs> => {
    const installs = createInstalls({ folder, bytesMax, make: by });
    await installs.reap();
    return installs;
  };
  const placeOf = ({ dependencies }: Installed): string => join(dependencies[0]?.folder ?? '', '..');
  const kept = (): Promise<readonly string[]> => readdir(folder);

  const OTHERS: readonly (readonly [string, Partial<InstallRequest>])[] = [
    ['image', { image: { kind: 'docker', reference: 'node:22', id: 'sha256:two' } }],
    ['command', { step: { ...STEP, run: 'npm ci --ignore-scripts' } }],
    ['place', { path: 'web' }],
    ['input', { inputs: new Map([['lock', Buffer.from('2')]]) }],
    ['name of an input', { inputs: new Map([['look', Buffer.from('1')]]) }],
    ['output', { step: { ...STEP, outputs: ['bin'] } }],
  ];
  it.each(OTHERS)('holds others for another %s', async (_, change) => {
    const installs = await open();
    const [one, other] = [await installs.provide(request()), await installs.provide(request(change))];
    expect(placeOf(one)).not.toBe(placeOf(other));
    expect(made).toHaveLength(2);
  });

  it('holds the same for another reason to ask, also after a restart', async () => {
    const one = await (await open()).provide(request());
    const step = { ...STEP, hosts: ['registry.npmjs.org'], fromChangedInputs: true };
    const image = { kind: 'docker', reference: 'node:latest', id: 'sha256:one' } as const;
    const again = await (await open()).provide(
      request({ owner: 'other', step, image, limits: { ...LIMITS, sandboxProcesses: 9 } }),
    );
    expect(again.dependencies).toEqual(one.dependencies);
    expect(made).toHaveLength(1);
  });

  it('is made under a name of the service’s own, for others may need the same on this machine', async () => {
    await (await open()).provide(request({ owner: 'one' }));
    await rm(folder, { recursive: true });
    await (await open()).provide(request({ owner: 'two' }));
    expect(new Set(made).size).toBe(2);
  });

  it('never serves what was begun and not ended', async () => {
    const dies: MakeInstall = async (asked, place) => {
      await make(asked, place);
      await writeFile(join(place.keepFolder, '0/half'), '');
      await new Promise(() => {}); // The service is killed.
      throw new Error('unreachable');
    };
    const lost = (await open(SIZE * 100, dies)).provide(request());
    lost.catch(() => undefined);
    while ((await readdir(folder, { recursive: true })).every((name) => !name.endsWith('half'))) await new Promise(setImmediate);
    const { dependencies } = await (await open()).provide(request());
    expect(await readdir(dependencies[0]?.folder ?? '')).toEqual([]);
    expect(await kept()).toHaveLength(1);
  });

  it('keeps nothing of what failed, and tries again', async () => {
    let fails = true;
    const installs = await open(SIZE * 100, async (asked, place) => {
      const result = await make(asked, place);
      if (fails) throw new InstallFailed('no');
      return result;
    });
    const both = await Promise.allSettled([installs.provide(request()), installs.provide(request())]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(made).toHaveLength(1);
    expect(await kept()).toEqual([]);
    fails = false;
    await installs.provide(request());
    expect(made).toHaveLength(2);
  });

  const numbered = (installs: Installs, number: number): Promise<Installed> =>
    installs.provide(request({ inputs: new Map([['lock', Buffer.from(`${number}`)]]) }));
  const age = async (installed: Installed, days: number): Promise<void> => {
    const at = new Date(Date.now() - days * DAY_MS);
    await utimes(placeOf(installed), at, at);
  };

  it('lets the longest unused go when it holds too much, and never what a test has', async () => {
    const installs = await open(2.5 * SIZE);
    const [one, two] = [await numbered(installs, 1), await numbered(installs, 2)];
    await one[Symbol.asyncDispose]();
    await age(one, 2);
    await age(two, 3);
    const three = await numbered(installs, 3);
    expect(await kept()).toHaveLength(3);
    await two[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await installs.reap();
    expect((await kept()).map((name) => join(folder, name)).sort()).toEqual([placeOf(one), placeOf(three)].sort());
  });

  it('lets go what was not used for 30 days', async () => {
    const installs = await open();
    const [one, two] = [await numbered(installs, 1), await numbered(installs, 2)];
    for (const installed of [one, two]) await installed[Symbol.asyncDispose]();
    await age(one, 31);
    await age(two, 29);
    await installs.reap();
    expect((await kept()).map((name) => join(folder, name))).toEqual([placeOf(two)]);
  });

  it('lets go what it does not know', async () => {
    await mkdir(join(folder, 'stray'));
    await mkdir(join(folder, 'broken'));
    await writeFile(join(folder, 'broken/made.json'), '[1');
    const { dependencies } = await (await open()).provide(request());
    expect(await kept()).toHaveLength(1);
    expect(await readFile(join(dependencies[0]?.folder ?? '', '../made.json'), 'utf8')).toContain(`${SIZE}`);
  });

  it('is none where tests run in bubblewrap, which says what to do', async () => {
    expect(noInstalls.refusal).toContain('Start Docker');
    await expect(noInstalls.provide(request())).rejects.toThrow(InstallFailed);
  });
});
