import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Installed, InstallFailed, type Installs } from '../../src/commands/ports/installs.ts';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import { createDockerSandbox } from '../../src/infra/sandbox/docker.ts';
import { connectDocker } from '../../src/infra/sandbox/docker-engine.ts';
import { createDockerInstall } from '../../src/infra/sandbox/docker-install.ts';
import { createInstalls } from '../../src/infra/sandbox/installs.ts';
import { processesAbout } from '../recovery/remains.ts';
import { ensureNpmImage } from '../support/docker-image.ts';
import { openRegistry, type Registry } from '../support/registry.ts';
import { LIMITS } from './limits.ts';
import { type Workbench, workbench } from './workbench.ts';

const MiB = 1024 * 1024;
const NPM_CI = 'npm ci --ignore-scripts';
const INSTALL_LIMITS = { ...LIMITS, sandboxScratchInodes: 10_000 };
const OWNER = `test-installs-${randomUUID()}`;

interface Wish {
  readonly run: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly outputs?: readonly string[];
  readonly hosts?: readonly string[];
  readonly path?: string;
  readonly limits?: Partial<typeof LIMITS>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

describe('Installed packages', () => {
  let registry: Registry;
  let bench: Workbench;
  let folder: string;
  let installs: Installs;

  beforeAll(async () => {
    const sandbox = createDockerSandbox();
    bench = workbench(sandbox, await sandbox.resolveImage(await ensureNpmImage()));
    registry = await openRegistry();
  });
  afterAll(() => registry?.close());

  const open = (): Installs =>
    createInstalls({
      folder: join(folder, 'installs'),
      bytesMax: 100 * MiB,
      make: createDockerInstall(),
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
    installs = open();
    await installs.reap();
    registry.isUp = true;
    return () => rm(folder, { recursive: true, force: true });
  });

  const provide = async (wish: Wish, from = installs): Promise<Installed> => {
    const { run, inputs = { a: 'a' }, outputs = ['node_modules'], hosts = [], path, limits, ...more } = wish;
    const installed = await from.provide({
      owner: OWNER,
      image: bench.image,
      path,
      step: { run, inputs: Object.keys(inputs), outputs: [...outputs], hosts: [...hosts], fromChangedInputs: false },
      inputs: new Map(Object.entries(inputs).map(([name, text]) => [name, Buffer.from(text)])),
      limits: { ...INSTALL_LIMITS, ...limits },
      signal: new AbortController().signal,
      onProgress: () => {},
      ...more,
    });
    onTestFinished(() => installed[Symbol.asyncDispose]());
    return installed;
  };
  /** Why it failed; throws when it did not. */
  const failure = async (wish: Wish): Promise<InstallFailed> => {
    const error: unknown = await provide(wish).then(
      () => new Error('it did not fail'),
      (why: unknown) => why,
    );
    if (!(error instanceof InstallFailed)) throw error;
    return error;
  };
  const kept = async (): Promise<readonly string[]> => (await readdir(join(folder, 'installs'))).sort();
  const npmCi = (more: Partial<Wish> = {}): Wish => ({ run: NPM_CI, inputs: registry.project, hosts: [registry.host], ...more });
  const left = async (): Promise<number> => {
    const filters = { label: [`countersign.owner=${OWNER}`] };
    const [containers, volumes] = await Promise.all([
      connectDocker().listContainers({ all: true, filters }),
      connectDocker().listVolumes({ filters }),
    ]);
    return containers.length + volumes.Volumes.length;
  };

  it('serve the tests of an ordinary Node project, programs included, and no lifecycle script ran', async () => {
    const { dependencies } = await provide(npmCi());
    const files = { ...registry.project, 'test.js': "require('assert').equal(require('greeting')('you'), 'Hello, you');" };
    const command = 'node test.js && node_modules/.bin/greet && ls node_modules/greeting';
    expect(await bench.output(command, { files, dependencies })).toBe('Hello, you\ngreet.js\nindex.js\npackage.json\n');
    expect(await left()).toBe(0);
  });

  it('stand in the sub-folder where the tests run, and everything around them is the test’s own', async () => {
    const { dependencies } = await provide(npmCi({ path: 'packages/api' }));
    const files = { 'packages/api/test.js': "console.log(require('greeting')('api'))", 'packages/web/x': 'x', top: 'y' };
    const command = 'pwd; node test.js; touch new ../new ../web/new ../../new src.js; mv ../web/x ../web/z; cat ../../top; ls ..';
    expect(await bench.output(command, { files, dependencies, path: 'packages/api' })).toBe(
      '/work/packages/api\nHello, api\nyapi\nnew\nweb\n',
    );
  });

  it('can be changed by no test, but for what tools keep among them while they run', async () => {
    const { dependencies } = await provide(npmCi());
    const tamper = 'echo evil > node_modules/greeting/index.js || rm -rf node_modules/greeting || touch node_modules/new';
    expect(await bench.run(tamper, { dependencies })).toMatchObject({ outcome: 'tests_failed' });
    const scratch = 'for f in .cache .vite .vite-temp; do echo mine > node_modules/$f/x || exit 1; done';
    expect(await bench.run(scratch, { dependencies })).toMatchObject({ outcome: 'passed' });
    expect(
      await bench.output('cat node_modules/.cache/* node_modules/greeting/index.js', { dependencies }).catch((e) => e.message),
    ).toMatch(/^tests_failed(.|\n)*Hello/);
  });

  it('are made once for all who need the same, at the same time or later', async () => {
    const before = registry.asked.length;
    const lines: string[][] = [[], []];
    const [one, two] = await Promise.all(lines.map((heard) => provide(npmCi({ onProgress: (line) => heard.push(line) }))));
    const third = await provide(npmCi({ onProgress: (line) => lines.push([line]) }), open());
    expect(registry.asked.length - before).toBe(1);
    expect(two).toMatchObject({ dependencies: one?.dependencies });
    expect(third.dependencies).toEqual(one?.dependencies);
    expect(lines[0]).toEqual(lines[1]);
    expect(lines[2]).toEqual(['the packages for the tests are here already']);
    expect(await kept()).toHaveLength(1);
  });

  it('are made of nothing but the inputs, behind the walls of a test', async () => {
    const look = `mkdir node_modules && cd node_modules && { id; pwd; ls -A .. /repo; ls /sys/class/net; grep Cap /proc/self/status
      touch /repo/x /usr/x || echo closed; env | sort | grep -iv proxy; } > seen 2>&1`;
    const { dependencies } = await provide({ run: look, inputs: { 'package.json': '{}' } });
    const seen = await readFile(join(dependencies[0]?.folder ?? '', 'seen'), 'utf8');
    expect(seen).toMatch(/^uid=65534\(nobody\)/);
    expect(seen).toContain('/work/node_modules\n..:\nnode_modules\npackage.json\n\n/repo:\npackage.json\nlo\n');
    expect(seen.match(/Cap\w+:\t(\w+)/g)).toEqual(
      ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => `Cap${set}:\t${'0'.repeat(16)}`),
    );
    expect(seen).toContain('closed\nCI=true\n');
    expect(seen).not.toMatch(/TOKEN|SECRET|countersign/i);
  });

  it('come from allowed hosts only: everything else is out of reach, and named', async () => {
    const files = {
      'direct.js': `require('net').connect(${registry.host.split(':')[1]}, '127.0.0.1').on('error', (e) => console.log('direct', e.code))
        require('net').connect(80, '169.254.169.254').on('error', (e) => console.log('metadata', e.code))`,
      'proxied.js': `require('http').get({ host: '127.0.0.1', port: 3128, path: 'http://example.com/' }, (r) => r.pipe(process.stdout))`,
    };
    const run = 'node direct.js; node proxied.js; exit 7';
    const { message, output } = await failure({ run, inputs: files, hosts: [registry.host] });
    expect(output.toString()).toContain('direct ECONNREFUSED');
    expect(output.toString()).toContain('metadata ENETUNREACH');
    expect(output.toString()).toContain('this install step may not reach example.com:80');
    expect(output.toString()).toContain('INSTALL_EGRESS');
    expect(message).toContain('exit code 7');
    expect(message).toContain('example.com:80, which INSTALL_EGRESS does not allow');
  });

  it('without an allowed host are made without a network', async () => {
    const { output } = await failure(npmCi({ hosts: [], run: `${NPM_CI} --fetch-retries=0` }));
    expect(output.toString()).toMatch(/ECONNREFUSED|ENETUNREACH/);
    expect(await kept()).toEqual([]);
  });

  it('wait for a registry that is down: that is nobody’s fault here', async () => {
    const gone = await openRegistry();
    await gone.close();
    const wish = npmCi({ inputs: gone.project, hosts: [gone.host], run: `${NPM_CI} --fetch-retries=0` });
    await expect(provide(wish)).rejects.toThrow(OutsideFailure);
    expect(await kept()).toEqual([]);
  });

  it('keep links as they are, and nobody follows them on this machine', async () => {
    const secret = join(folder, 'secret');
    await writeFile(secret, 'of the service');
    const run = `mkdir -p node_modules/a && cd node_modules && ln -s ${secret} out && ln -s / a/root && ln -s ../../../../../.. up
      ln -s loop loop && ln -s a/root/etc/passwd .cache && printf x > x && chmod 4755 x`;
    const { dependencies } = await provide({ run });
    const made = dependencies[0]?.folder ?? '';
    expect(await readlink(join(made, 'out'))).toBe(secret);
    expect(await readlink(join(made, 'a/root'))).toBe('/');
    expect((await stat(join(made, '.cache'))).isDirectory()).toBe(true);
    expect(((await stat(join(made, 'x'))).mode & 0o7777).toString(8)).toBe('755');
    expect(await bench.run('cat node_modules/out', { dependencies })).toMatchObject({ outcome: 'tests_failed' });
    expect((await bench.run('cat node_modules/out', { dependencies })).log.toString()).not.toContain('of the service');
  });

  it.each([
    ['a link in place of the folder', 'ln -s /etc node_modules', 'no folder'],
    ['a link on the way to it', 'mkdir real; mkdir real/lib; ln -s real vendor', 'no folder'],
    ['nothing', 'true', 'no folder'],
    [
      'a socket',
      `mkdir node_modules; node -e "require('net').createServer().listen('node_modules/s', () => process.exit())"`,
      'neither',
    ],
    [
      'a file of more bytes than there are',
      'mkdir node_modules; truncate -s 1T node_modules/x || dd if=/dev/null of=node_modules/x bs=1 seek=1T',
      'larger than 32 MiB',
    ],
    [
      'one file many times',
      'mkdir node_modules; head -c 9000000 /dev/zero > node_modules/x; for i in 1 2 3 4; do ln node_modules/x node_modules/$i; done',
      'larger than 32 MiB',
    ],
    [
      'folders within folders without end',
      `mkdir node_modules; node -e "const fs = require('fs'); for (let i = 0; i < 3000; i++) { fs.mkdirSync('d'.repeat(9)); process.chdir('d'.repeat(9)) }" ; mv ddddddddd node_modules`,
      'nested too deeply',
    ],
  ])('cannot be %s', async (_, run, why) => {
    const outputs = run.includes('vendor') ? ['vendor/lib'] : ['node_modules'];
    const { message, outcome } = await failure({ run, outputs });
    expect({ message, outcome }).toMatchObject({ message: expect.stringContaining(why), outcome: 'failed' });
    expect(message).not.toContain(folder);
    expect(await kept()).toEqual([]);
  });

  it('are bounded in space, files, memory and time while they are made', async () => {
    const fill = await failure({ run: 'mkdir node_modules; head -c 40000000 /dev/zero > node_modules/x' });
    expect(fill.output.toString()).toMatch(/space/);
    const many = `node -e "for (let i = 0; i < 20000; i++) require('fs').writeFileSync('f' + i, '')"`;
    expect((await failure({ run: many })).output.toString()).toContain('ENOSPC');
    const eat = `node -e "const held = []; for (;;) held.push(Buffer.alloc(16777216, 1))"`;
    expect((await failure({ run: eat })).message).toContain('512 MiB of memory');
    const slow = await failure({ run: "trap '' TERM; sleep 60", limits: { sandboxTimeoutMs: 1_000 } });
    expect(slow).toMatchObject({ outcome: 'timed_out', message: expect.stringContaining('1 s') });
    expect(await left()).toBe(0);
  });

  it('wait for an engine that cannot start what they need, and that ends nothing else', async () => {
    const faults: unknown[] = [];
    const note = (error: unknown): void => void faults.push(error);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const impossible = provide({ run: 'mkdir node_modules', limits: { sandboxScratchInodes: -1 } });
    await expect(impossible).rejects.toBeInstanceOf(OutsideFailure);
    await setTimeout(500);
    expect(faults).toEqual([]);
    expect(await left()).toBe(0);
  });

  it('leave nothing elsewhere when the service or the engine dies while an image for it is made', async () => {
    const [elsewhere, socketPath] = [join(folder, 'elsewhere'), join(folder, 'engine.sock')];
    await mkdir(elsewhere);
    vi.stubEnv('TMPDIR', elsewhere);
    onTestFinished(() => void vi.unstubAllEnvs());
    let standing: string[] | undefined;
    // An engine that knows no image of ours, and dies as soon as it gets one.
    const engine = createServer(({ method, url = '', socket }, response) => {
      if (method === 'GET') return void response.end(url.includes('/images/json') ? '[]' : '{"Id":"","Config":{"Volumes":null}}');
      standing = readdirSync(elsewhere);
      socket.destroy();
    }).listen(socketPath);
    onTestFinished(() => void engine.close());
    const make = createDockerInstall({ socketPath });
    const made = createInstalls({ folder: join(folder, 'installs'), bytesMax: 100 * MiB, make });

    await expect(provide({ run: 'mkdir node_modules' }, made)).rejects.toBeInstanceOf(OutsideFailure);
    expect(standing).toEqual([]);
    await vi.waitFor(async () => expect(await processesAbout(folder, [])).toEqual([]));
  });

  it('are gone when everybody left half-way, and made for who stays', async () => {
    const run = 'echo begun; sleep 1; mkdir node_modules';
    const [first, second] = [new AbortController(), new AbortController()];
    const reason = new Error('cancelled by a person');
    const leaves = provide({ run, signal: first.signal, onProgress: () => first.abort(reason) });
    const stays = provide({ run });
    await expect(leaves).rejects.toBe(reason);
    expect((await stays).dependencies).toHaveLength(1);

    let standing = 0;
    const leave = async (): Promise<void> => {
      standing = await left();
      second.abort(reason);
    };
    const alone = provide({ run: `${run}; true`, signal: second.signal, onProgress: () => void leave() });
    await expect(alone).rejects.toBe(reason);
    // The step, who attends to it, and the volume.
    expect(standing).toBe(3);
    expect(await kept()).toHaveLength(1);
    expect(await left()).toBe(0);
  });
});
