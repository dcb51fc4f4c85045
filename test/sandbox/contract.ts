import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ImageMissing } from '../../src/commands/ports/sandbox.ts';
import { makeTree, type Workbench, workbench } from './workbench.ts';

/** Whether a process of this machine has `word` in its command line. */
export const runsHere = async (word: string): Promise<boolean> => {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (pid !== `${process.pid}` && line.split('\0').includes(word)) return true;
  }
  return false;
};

const LOOK_AROUND = `
const fs = require('node:fs'), net = require('node:net'), os = require('node:os'), dns = require('node:dns/promises');
const reach = (options) => new Promise((resolve) => {
  const socket = net.connect(options).on('connect', () => resolve('reached')).on('error', (error) => resolve(error.code)).setTimeout(2000, () => resolve('silent'));
  socket.on('close', () => socket.destroy());
});
const writable = (folder, found = []) => {
  if (folder.split('/').length > 4) return found;
  try { fs.accessSync(folder, fs.constants.W_OK); found.push(folder); } catch {}
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = (folder === '/' ? '' : folder) + '/' + entry.name;
    if (entry.isDirectory() && path !== '/proc' && path !== '/work') try { writable(path, found); } catch {}
  }
  return found;
};
const status = Object.fromEntries(fs.readFileSync('/proc/self/status', 'utf8').split('\\n').map((line) => line.split(':\\t')));
const environments = fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).map((pid) => { try { return fs.readFileSync('/proc/' + pid + '/environ', 'utf8'); } catch { return ''; } });
(async () => console.log(JSON.stringify({
  uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), hostname: os.hostname(), user: os.userInfo().username,
  capabilities: [status.CapInh, status.CapPrm, status.CapEff, status.CapBnd, status.CapAmb], noNewPrivileges: status.NoNewPrivs, seccomp: status.Seccomp,
  interfaces: Object.keys(os.networkInterfaces()), environment: process.env, environments: environments.join(' '),
  processes: environments.length, writable: [...writable('/'), '/work'].sort(),
  loopback: await reach({ host: '127.0.0.1', port: Number(process.argv[2]) }), metadata: await reach({ host: '169.254.169.254', port: 80 }),
  outside: await reach({ host: '1.1.1.1', port: 443 }), names: await dns.lookup('example.com').catch((error) => error.code),
  sockets: ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock'].filter((path) => fs.existsSync(path)),
})))();`;

export interface Surroundings {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly hostname: string;
  readonly user: string;
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: string;
  readonly seccomp: string;
  readonly interfaces: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly environments: string;
  readonly processes: number;
  readonly writable: readonly string[];
  readonly loopback: string;
  readonly metadata: string;
  readonly outside: string;
  readonly names: string;
  readonly sockets: readonly string[];
}

/** What a test that looks around finds, with a server of the host listening on its loopback. */
export const lookAround = async ({ output }: Workbench): Promise<Surroundings> => {
  const server = createServer((socket) => socket.destroy());
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  process.env.COUNTERSIGN_TEST_SECRET = 'the-secret-of-the-service';
  try {
    const text = await output(`node look.cjs ${port}`, { files: { 'look.cjs': LOOK_AROUND } });
    return JSON.parse(text) as Surroundings; // what the script above prints
  } finally {
    delete process.env.COUNTERSIGN_TEST_SECRET;
    server.close();
  }
};

/** What every sandbox promises, whatever it is made of. */
export const describeSandbox = (name: string, open: () => Promise<Workbench>): void => {
  let bench: Workbench;
  beforeAll(async () => {
    bench = await open();
  });

  describe(`A verdict of ${name}`, () => {
    it('is passed when the command ends with 0', async () => {
      const result = await bench.run('echo fine');
      expect(result).toMatchObject({ outcome: 'passed', exitCode: 0, log: Buffer.from('fine\n') });
      expect(result.durationMs).toBeGreaterThan(0);
    });

    it.each([1, 125, 126, 127, 137, 255])('is a failed test when the command ends with %i', async (exitCode) => {
      expect(await bench.run(`exit ${exitCode}`)).toMatchObject({ outcome: 'tests_failed', exitCode });
    });

    it.each([
      ['KILL', 137],
      ['TERM', 143],
      ['SEGV', 139],
    ])('is a failed test when the command dies of SIG%s', async (signal, exitCode) => {
      const result = await bench.run(`kill -${signal} $$; exit 0`);
      expect(result).toMatchObject({ outcome: 'tests_failed', exitCode });
      expect(result.sentence).toContain(`SIG${signal}`);
    });

    it('is not touched by a test that shoots at the first process', async () => {
      expect(await bench.run('kill -9 1; kill -STOP 1; exit 4')).toMatchObject({ outcome: 'tests_failed', exitCode: 4 });
    });

    it('says what to look for when a program is missing', async () => {
      const result = await bench.run('no-such-program');
      expect(result).toMatchObject({ outcome: 'tests_failed', exitCode: 127 });
      expect(result.log.toString()).toContain('no-such-program');
    });

    it('does not come from anything a test prints or leaves', async () => {
      const plant = 'for f in result exit outcome /tmp/result; do echo passed > $f; ln -sf /etc/passwd $f.link; done';
      expect(await bench.run(`${plant}; printf '\\001passed\\n\\000'; exit 5`)).toMatchObject({
        outcome: 'tests_failed',
        exitCode: 5,
      });
    });

    it('is of the sandbox, not of the test, when the tree does not fit into it', async () => {
      const files = { '\u0001': 'x', 'passed\n\u0001': 'x', big: 'x'.repeat(2 * 1024 * 1024) };
      const result = await bench.run('exit 0', { files, limits: { sandboxScratchBytes: 1024 * 1024 } });
      expect(result).toMatchObject({ outcome: 'sandbox_failed' });
      expect(result.log.toString()).toMatch(/space/);
    });

    it('is passed for no tree at all but the command', async () => {
      expect(await bench.run('test -z "$(ls -A)"')).toMatchObject({ outcome: 'passed' });
    });
  });

  describe(`The tree in ${name}`, () => {
    it('arrives as it is: modes, links, odd names, nothing else', async () => {
      const files = {
        'plain.txt': 'plain\r\nno newline at the end',
        'run.sh': { text: '#!/bin/sh\necho ran\n', mode: 0o755 },
        'build/dist/node_modules/.hidden': 'kept',
        'link to plain': { link: 'plain.txt' },
        dangling: { link: '/nowhere' },
        '-rf': 'option',
        'a\nb\t"\'\\$(exit 1)`*': 'odd',
        'ünï/코드': 'unicode',
        empty: '',
      };
      const script = `
        [ "$(cat plain.txt | od -c | head -1)" = "$(printf 'plain\\r\\nno newline at the end' | od -c | head -1)" ] || exit 11
        [ "$(./run.sh)" = ran ] && [ -x run.sh ] && [ ! -x plain.txt ] || exit 12
        [ "$(cat build/dist/node_modules/.hidden)" = kept ] || exit 13
        [ "$(readlink 'link to plain')" = plain.txt ] && [ "$(readlink dangling)" = /nowhere ] || exit 14
        [ "$(cat ./-rf)" = option ] && [ "$(cat 'ünï/코드')" = unicode ] && [ -f empty ] && [ ! -s empty ] || exit 15
        [ "$(cat a?b*)" = odd ] && [ "$(find . -type f -o -type l | tr '\\n' ' ' | wc -w)" -ge 9 ] || exit 16
        [ ! -e gone.txt ]`;
      expect(await bench.run(script, { files })).toMatchObject({ outcome: 'passed' });
    });

    it('is a copy: what a test changes or deletes stays inside', async () => {
      const treeFolder = await makeTree({ 'a.txt': 'original', 'b/c.txt': 'original' });
      await bench.output('echo changed > a.txt; rm -r b; touch new', { treeFolder });
      expect(await readFile(`${treeFolder}/a.txt`, 'utf8')).toBe('original');
      expect((await readdir(treeFolder, { recursive: true })).sort()).toEqual(['a.txt', 'b', 'b/c.txt']);
      expect(await bench.output('cat a.txt b/c.txt', { treeFolder })).toBe('originaloriginal');
    });

    it('cannot be written where it is mounted', async () => {
      const files = { 'a.txt': 'original' };
      expect(await bench.run('echo x > /repo/a.txt || rm -f /repo/a.txt || touch /repo/new', { files })).toMatchObject({
        outcome: 'tests_failed',
      });
    });

    it('can hold what is built and run there, up to its size', async () => {
      const build = `printf '#!/bin/sh\\necho built\\n' > tool; chmod +x tool; ./tool`;
      expect(await bench.output(build)).toBe('built\n');
      const fill = await bench.run('dd if=/dev/zero of=big bs=1M count=64');
      expect(fill.outcome).toBe('tests_failed');
      expect(fill.log.toString()).toMatch(/space/);
    });
  });

  describe(`The command in ${name}`, () => {
    it('is data to everything but the shell inside', async () => {
      expect(await bench.output(`printf '%s' 'a "b" $(id) ; \\ %s'; echo "\${#1}"\n echo second`)).toBe(
        'a "b" $(id) ; \\ %s0\nsecond\n',
      );
    });

    it('runs in the folder of the tree that it is told, with the whole tree around it', async () => {
      const files = { 'packages/an api/x': 'in', 'packages/top': 'out' };
      expect(await bench.output('pwd; cat x ../top', { files, path: 'packages/an api' })).toBe('/work/packages/an api\ninout');
      const gone = await bench.run('echo ran', { files, path: 'packages/gone' });
      expect(gone).toMatchObject({ outcome: 'tests_failed', exitCode: 1 });
      expect(gone.log.toString()).not.toContain('ran');
    });

    it('is heard in the order it speaks, on both outputs', async () => {
      const lines: string[] = [];
      const log = await bench.output(
        'for i in 1 2 3; do echo out $i; echo err $i >&2; done; echo last >/dev/stderr; printf end',
        {
          onProgress: (line) => lines.push(line),
        },
      );
      expect(log).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\nlast\nend');
      expect(lines).toEqual(log.split('\n'));
    });

    it('cannot fill the service with its output', async () => {
      const result = await bench.run("echo the beginning; head -c 30000000 /dev/zero | tr '\\000' 'x'; echo the end");
      expect(result.outcome).toBe('passed');
      expect(result.log.length).toBeLessThanOrEqual(64 * 1024);
      expect(result.log.toString()).toMatch(
        /^the beginning\nx+\n\.\.\. about \d+ bytes of output are left out here \.\.\.\nx+the end\n$/,
      );
    });

    it('finds nothing of the service and reaches nobody', async () => {
      const found = await lookAround(bench);
      expect(found).toMatchObject({ uid: 65534, gid: 65534, groups: [65534], hostname: 'sandbox', user: 'nobody' });
      expect(found.capabilities).toEqual(Array(5).fill('0000000000000000'));
      expect(found.noNewPrivileges).toBe('1');
      expect(found.interfaces).toEqual(['lo']);
      expect([found.loopback, found.metadata, found.outside]).toEqual(['ECONNREFUSED', 'ENETUNREACH', 'ENETUNREACH']);
      expect(found.names).toMatch(/^E/);
      expect(found.sockets).toEqual([]);
      expect(
        Object.keys(found.environment).filter(
          (name) => !['HOME', 'HOSTNAME', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', '_'].includes(name),
        ),
      ).toEqual([]);
      expect(found.environment.HOME).toBe('/tmp');
      expect(found.environments).not.toContain('the-secret');
      expect(found.processes).toBeLessThan(10);
      // Neither of the two takes files.
      expect(found.writable.filter((path) => path !== '/dev/mqueue' && path !== '/dev/pts')).toEqual([
        '/dev/shm',
        '/tmp',
        '/work',
      ]);
    });

    it('has a loopback of its own, and a name for it', async () => {
      const speak = `const { connect, createServer } = require('net');
        const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1', () =>
          connect(server.address().port, 'localhost').on('close', (failed) => process.exit(failed ? 9 : 0)).resume());`;
      expect(await bench.output('cat /etc/hosts; node speak.cjs', { files: { 'speak.cjs': speak } })).toBe(
        '127.0.0.1 localhost\n::1 localhost\n',
      );
    });

    it('cannot reach an abstract socket of the host', async () => {
      const server = createServer().listen(`\0countersign-test-${process.pid}`);
      onTestFinished(() => void server.close());
      const knock = `require('net').connect('\\0countersign-test-${process.pid}').on('connect', () => process.exit(0)).on('error', () => process.exit(9))`;
      expect(await bench.run('node knock.cjs', { files: { 'knock.cjs': knock } })).toMatchObject({ exitCode: 9 });
    });

    it('gets its memory limited', async () => {
      const bomb = 'const held = []; for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1));';
      const result = await bench.run('node bomb.cjs', { files: { 'bomb.cjs': bomb } });
      expect(result.outcome).toBe('out_of_memory');
      expect(result.sentence).toContain('512 MiB');
    });

    it('gets its memory limited for all its processes together', async () => {
      const hold = 'const held = Buffer.alloc(150 * 1024 * 1024, 1); setTimeout(() => held.length, 10_000);';
      const result = await bench.run('for i in 1 2 3 4 5; do node hold.cjs & done; wait', { files: { 'hold.cjs': hold } });
      expect(result.outcome).toBe('out_of_memory');
    });

    it('gets its processes limited', async () => {
      const spawn = 'i=0; while [ $i -lt 200 ]; do sleep 5 & i=$((i+1)); done; wait';
      const result = await bench.run(spawn);
      expect(result.outcome).toBe('tests_failed');
      expect(result.log.toString()).toMatch(/fork/i);
    });

    it('dies as a fork bomb within its time, and all of it', async () => {
      const result = await bench.run('bomb() { bomb | sleep 77001 & bomb; }; bomb', { limits: { sandboxTimeoutMs: 2_000 } });
      expect(result.outcome).not.toBe('passed');
      expect(await runsHere('77001')).toBe(false);
    });

    it('cannot dump core', async () => {
      expect(await bench.output('ulimit -c; ulimit -Hc')).toBe('0\n0\n');
    });
  });

  describe(`The end of a run in ${name}`, () => {
    it('takes what a test left running with it', async () => {
      const startedAt = performance.now();
      await bench.output('setsid sleep 77002 >/dev/null 2>&1 & setsid sleep 77002 & true');
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(await runsHere('77002')).toBe(false);
    });

    it('comes at the time limit, also for a test that ignores signals', async () => {
      const result = await bench.run("trap '' TERM INT HUP; echo begun; while :; do sleep 77003; done", {
        limits: { sandboxTimeoutMs: 1_000 },
      });
      expect(result).toMatchObject({ outcome: 'timed_out', log: Buffer.from('begun\n') });
      expect(result.sentence).toContain('1 s');
      expect(result.durationMs).toBeLessThan(3_000);
      expect(await runsHere('77003')).toBe(false);
    });

    it('comes within a second of an abort, with its reason', async () => {
      const controller = new AbortController();
      const reason = new Error('cancelled by a person');
      let abortedAt = 0;
      const run = bench.run('echo begun; sleep 77004', {
        signal: controller.signal,
        onProgress: () => {
          abortedAt = performance.now();
          controller.abort(reason);
        },
      });
      await expect(run).rejects.toBe(reason);
      expect(performance.now() - abortedAt).toBeLessThan(1_000);
      expect(await runsHere('77004')).toBe(false);
    });

    it('comes before the start when it is aborted already', async () => {
      const reason = new Error('too late');
      await expect(bench.run('true', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    it('does not come at all for what was approved for another sandbox', async () => {
      const kind = bench.sandbox.kind === 'docker' ? 'bubblewrap' : 'docker';
      const { run } = workbench(bench.sandbox, { ...bench.image, kind });
      await expect(run('true')).rejects.toThrow(ImageMissing);
    });
  });
};
