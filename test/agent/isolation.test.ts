import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bubblewrapArguments } from '../../src/infra/agent/bubblewrap.ts';
import { runId } from '../../src/infra/agent/run-folder.ts';
import { BOT_TOKEN, MODEL_KEY, openWorkbench, RUN_KEY, type Workbench } from './workbench.ts';

const Findings = z.object({
  environment: z.record(z.string(), z.string()),
  root: z.array(z.string()),
  etc: z.array(z.string()),
  run: z.array(z.string()),
  homes: z.array(z.string()),
  home: z.array(z.string()),
  devices: z.array(z.string()),
  commandLines: z.array(z.string()),
  environments: z.array(z.string()),
  status: z.string(),
  user: z.string(),
  interfaces: z.array(z.string()),
  abstractSockets: z.array(z.string()),
  loopback: z.string(),
  abstract: z.string(),
  paths: z.array(z.string()),
  contents: z.array(z.string()),
  writes: z.array(z.string()),
  settings: z.array(z.string()),
  namespaces: z.string(),
  mounts: z.string(),
});

/** A listener of the service's, as an event store without a password would be. */
const listening = async (address: { readonly host: string; readonly port: number } | { readonly path: string }) => {
  const server = createServer((socket) => socket.end('secret'));
  server.listen(address);
  await once(server, 'listening');
  return server;
};

const hunt = async (bench: Workbench) => {
  const abstractName = `countersign-test-${process.pid}`;
  const tcp = await listening({ host: '127.0.0.1', port: 0 });
  const abstract = await listening({ path: `\0${abstractName}` });
  const { port } = z.object({ port: z.number() }).parse(tcp.address());

  const otherTask = join(bench.dataFolder, 'work', 'run-2');
  await mkdir(otherTask, { recursive: true });
  await writeFile(join(otherTask, 'secret.txt'), BOT_TOKEN);
  await writeFile(join(bench.dataFolder, 'events.sqlite'), BOT_TOKEN);
  await copyFile(join(import.meta.dirname, 'hunter.mjs'), join(bench.workFolder, 'hunter.mjs'));
  const paths = [
    bench.root,
    bench.dataFolder,
    otherTask,
    process.cwd(),
    '/root',
    '/etc/shadow',
    '/etc/ssl/private',
    '/sys',
    '/boot',
    '/run/docker.sock',
    '/var/lib',
  ];
  await writeFile(join(bench.outFolder, 'hunt.json'), JSON.stringify({ loopbackPort: port, abstractName, paths }));
  try {
    const result = await bench.sh('node hunter.mjs');
    return { result, findings: Findings.parse(JSON.parse(result.log.toString())) };
  } finally {
    tcp.close();
    abstract.close();
  }
};

describe('An agent that looks around', () => {
  it('finds nothing of the service and nothing it could change', async () => {
    await using bench = await openWorkbench();
    const { result, findings } = await hunt(bench);

    expect(result.outcome).toBe('finished');
    expect(Object.keys(findings.environment).sort()).toEqual([
      ...[
        'HOME',
        'HTTPS_PROXY',
        'HTTP_PROXY',
        'LANG',
        'NODE_USE_ENV_PROXY',
        'OKD_BRANCH',
        'OKD_FEEDBACK',
        'OKD_INTENT',
        'OKD_OUTDIR',
      ],
      ...['OKD_REPO', 'OKD_TASK_ID', 'OKD_TRIGGER_USER', 'OKD_WORKDIR', 'PATH', 'PWD', 'TMPDIR', 'http_proxy', 'https_proxy'],
    ]);
    const everything = JSON.stringify({ ...findings, paths: [] });
    expect(everything).not.toContain(BOT_TOKEN);
    expect(everything).not.toContain(MODEL_KEY);
    expect(everything).not.toContain(bench.root);
    expect(everything).not.toContain(process.cwd());

    expect(findings.root.filter((name) => !/^(bin|sbin|lib\w*)$/.test(name))).toEqual([
      'dev',
      'etc',
      'home',
      'opt',
      'out',
      'proc',
      'run',
      'tmp',
      'usr',
      'var',
      'work',
    ]);
    expect(findings.etc).not.toEqual(expect.arrayContaining(['resolv.conf']));
    expect(findings.homes).toEqual(['agent']);
    expect([...findings.home, ...findings.run]).toEqual([]);
    expect(findings.paths.filter((line) => line.startsWith('found'))).toEqual([]);
    expect(findings.contents.filter((path) => !path.startsWith('/work/.git/')).sort()).toEqual([
      '/opt/countersign/bin/node',
      '/out/hunt.json',
      '/work/README.md',
      '/work/hunter.mjs',
    ]);
    expect(findings.devices).not.toEqual(expect.arrayContaining(['kmsg', 'mem', 'vda', 'sda', 'kvm', 'net']));
  });

  it('sees its own processes only, without capabilities and without a way to get any', async () => {
    await using bench = await openWorkbench();
    const { findings } = await hunt(bench);

    expect(findings.user).toBe('uid=1000(agent) gid=1000(agent) groups=1000(agent)');
    expect(findings.status).toMatch(/^CapEff:\s+0+$/m);
    expect(findings.status).toMatch(/^CapBnd:\s+0+$/m);
    expect(findings.status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(findings.commandLines.length).toBeLessThanOrEqual(6);
    expect(findings.commandLines.find((line) => line.includes('bwrap'))).toMatch(/^bwrap\0--args\0/);
    expect(findings.writes).toEqual([]);
    expect(findings.settings).toEqual([]);
    expect(findings.namespaces).toMatch(/^refused/);
    expect(findings.mounts).toMatch(/^refused/);
  });

  it('inherits no open file but its input and output', async () => {
    await using bench = await openWorkbench();
    const result = await bench.sh('ls -l /proc/self/fd');
    expect(result.log.toString()).toMatch(/ 0 -> \/dev\/null$/m);
    expect(result.log.toString().match(/ [0-9]+ -> /g)?.length).toBe(4); // The fourth is the folder that ls reads.
  });

  it('reaches neither the loopback of the machine nor an abstract socket', async () => {
    await using bench = await openWorkbench();
    const { findings } = await hunt(bench);
    expect(findings.loopback).toBe('refused: ECONNREFUSED');
    expect(findings.abstract).toBe('refused: ECONNREFUSED');
    expect(findings.interfaces).toEqual(['lo']);
    expect(findings.abstractSockets).toEqual([]);
  });

  it('leaves no process, socket or folder behind', async () => {
    await using bench = await openWorkbench();
    const seconds = `9${process.pid}`;
    const result = await bench.sh(
      `setsid -f sleep ${seconds} >/dev/null 2>&1; (trap '' TERM HUP; exec sleep ${seconds}) & env -i setsid sleep ${seconds} & exit 0`,
    );
    expect(result.outcome).toBe('finished');
    expect(await readdir(join(bench.dataFolder, 'run', 'agent'))).toEqual([]);
    const commandLines = await Promise.all(
      (await readdir('/proc'))
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
    );
    expect(commandLines.filter((line) => line.split('\0').includes(seconds))).toEqual([]);
    expect(
      (await readdir('/sys/fs/cgroup/pids').catch(() => [])).filter((name) => name.endsWith(runId(bench.dataFolder, RUN_KEY))),
    ).toEqual([]);
  });

  it('does not see what stands below a system folder but is the service’s own', async () => {
    const options = await bubblewrapArguments({
      workFolder: '/srv/work',
      outFolder: '/srv/out',
      etcFolder: '/srv/etc',
      readOnly: [],
      links: [],
      hidden: ['/usr/src/app', '/usr/local/var/data', '/srv/data'],
      environment: {},
      statusFd: 4,
    });
    expect(options.join(' ')).toContain(
      '--tmpfs /usr/src/app --remount-ro /usr/src/app --tmpfs /usr/local/var/data --remount-ro /usr/local/var/data --ro-bind-try',
    );
  });
});
