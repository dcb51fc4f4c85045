import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import { ImageMissing } from '../../src/commands/ports/sandbox.ts';
import { createDockerSandbox } from '../../src/infra/sandbox/docker.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage, importHostileImage } from '../support/docker-image.ts';
import { describeSandbox } from './contract.ts';
import { makeTree, type Workbench, workbench } from './workbench.ts';

const sandbox = createDockerSandbox();
let docker: Docker;
let bench: Workbench;

const open = async (): Promise<Workbench> => workbench(sandbox, await sandbox.resolveImage(await ensureTestImage()));

const containers = async (filter: string): Promise<readonly Docker.ContainerInfo[]> =>
  docker.listContainers({ all: true, filters: { label: [filter] } });

/** Those an image declares; what is made on purpose has options. */
const volumes = async (): Promise<readonly string[]> =>
  (await docker.listVolumes()).Volumes.flatMap(({ Name, Options }) => (Options === null ? [Name] : [])).sort();

const owner = (name: string): string => `test-${name}-${process.pid}`;

beforeAll(async () => {
  docker = await ensureDocker();
  bench = await open();
});

describeSandbox('Docker', open);

describe('A container', () => {
  it('carries owner and key while it runs and is gone afterwards, whatever the end', async () => {
    const mine = owner('labels');
    const seen: string[] = [];
    let looked: Promise<unknown> = Promise.resolve();
    const look = () => {
      looked = containers(`countersign.owner=${mine}`).then((found) => {
        seen.push(...found.flatMap(({ Names, Labels }) => [...Names, Labels['countersign.key'] ?? '']));
      });
    };
    await bench.run('echo up; sleep 0.3', { owner: mine, key: mine, onProgress: look });
    await looked;
    expect(seen).toEqual([`/countersign-${mine}`, mine]);

    await bench.run('exit 1', { owner: mine });
    await bench.run('sleep 9', { owner: mine, limits: { sandboxTimeoutMs: 200 } });
    await bench.run('true', { owner: mine, signal: AbortSignal.timeout(50) }).catch(() => {});
    expect(await containers(`countersign.owner=${mine}`)).toEqual([]);
  });

  it('is made while its tree is written, and waits for it', async () => {
    const treeFolder = await makeTree();
    const key = owner('early');
    const fill = async (): Promise<void> => {
      await expect.poll(() => containers(`countersign.key=${key}`)).toHaveLength(1);
      await writeFile(join(treeFolder, 'late.txt'), 'here');
    };
    expect(await bench.output('cat late.txt', { treeFolder, fill, key })).toBe('here');
  });

  it('is gone when its tree could not be written, and the reason is told', async () => {
    const key = owner('unwritten');
    const fill = async (): Promise<void> => {
      await expect.poll(() => containers(`countersign.key=${key}`)).toHaveLength(1);
      throw new TypeError('no such tree');
    };
    let connections = 0;
    const door = createServer((client) => {
      connections++;
      const engine = connect('/var/run/docker.sock');
      client.on('close', () => connections--).on('error', () => engine.destroy());
      engine.on('error', () => client.destroy());
      client.pipe(engine).pipe(client);
    });
    const socketPath = join(await makeTree(), 'engine.sock');
    await once(door.listen(socketPath), 'listening');
    onTestFinished(() => void door.close());
    const passing = workbench(createDockerSandbox({ socketPath }), bench.image);
    await expect(passing.run('true', { fill, key })).rejects.toThrow(new TypeError('no such tree'));
    expect(await containers(`countersign.key=${key}`)).toEqual([]);
    // One that stays open keeps a service that is asked to stop from ending.
    await expect.poll(() => connections).toBe(0);
  });

  it('takes the place of an earlier one of the same key, also of one that runs', async () => {
    const key = owner('twice');
    let begun = () => {};
    const up = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const first = bench.run('echo up; sleep 60', { key, onProgress: () => begun() }).catch((error: unknown) => error);
    await up;
    expect(await bench.run('echo second', { key })).toMatchObject({ outcome: 'passed' });
    expect(await first).not.toMatchObject({ outcome: 'passed' });
    expect(await containers(`countersign.key=${key}`)).toEqual([]);
  });

  it('is found by its label and removed when nobody runs it any more; others stay', async () => {
    const stray = async (label: string, key: string): Promise<void> => {
      const made = await docker.createContainer({
        Image: bench.image.id,
        Cmd: ['/bin/sleep', '60'],
        Labels: { 'countersign.owner': label, 'countersign.key': key },
      });
      onTestFinished(() => made.remove({ force: true }).catch(() => {}));
      await made.start();
    };
    const [mine, other] = [owner('reap'), owner('other')];
    const up = Promise.withResolvers<void>();
    const left: (() => Promise<void>)[] = [];
    const running = bench.run('echo up; sleep 1', {
      owner: mine,
      onProgress: () => up.resolve(),
      afterwards: (work) => left.push(work),
    });
    await Promise.all([stray(mine, 'dead'), stray(mine, 'dead, too'), stray(other, 'dead'), up.promise]);

    await sandbox.reap(mine);
    expect(await containers(`countersign.owner=${mine}`)).toHaveLength(1);
    expect(await containers(`countersign.owner=${other}`)).toHaveLength(1);
    expect(await running).toMatchObject({ outcome: 'passed' });
    await sandbox.reap(mine);
    expect(await containers(`countersign.owner=${mine}`)).toHaveLength(1);
    await Promise.all(left.map((work) => work()));
    await sandbox.reap(mine);
    expect(await containers(`countersign.owner=${mine}`)).toEqual([]);
  });

  it('that somebody else removes never passed', async () => {
    const key = owner('removed');
    const run = bench.run('echo up; sleep 60', {
      key,
      onProgress: () => void docker.getContainer(`countersign-${key}`).remove({ force: true }),
    });
    // Whether the engine can still be asked how it ended is a race.
    expect(await run.catch((error: unknown) => error)).toSatisfy(
      (ended: object) => ended instanceof OutsideFailure || ('outcome' in ended && ended.outcome === 'tests_failed'),
    );
  });

  it('that the engine refuses is a failed sandbox', async () => {
    const refusing = workbench(createDockerSandbox({ runtime: 'no-such-runtime' }), bench.image);
    expect(await refusing.run('true')).toMatchObject({ outcome: 'sandbox_failed', exitCode: null });
  });
});

describe('An image', () => {
  it('is named by its local id', async () => {
    expect(bench.image.id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(bench.image.reference).toMatch(/^countersign-example:/);
  });

  it('that is not here is said with what to do, and never pulled', async () => {
    const missing = sandbox.resolveImage('registry.invalid/no/such:1');
    await expect(missing).rejects.toThrow(ImageMissing);
    await expect(missing).rejects.toThrow('docker pull registry.invalid/no/such:1');
    const gone = workbench(sandbox, { ...bench.image, reference: 'was:here', id: `sha256:${'0'.repeat(64)}` });
    await expect(gone.run('true')).rejects.toThrow('docker pull was:here');
  });

  it.each(['', '-x', '../containers/json', 'a/../../b', 'a b', 'x?force=1', 'x\n', '$(id)'])(
    'is not asked for as %j',
    async (reference) => {
      await expect(sandbox.resolveImage(reference)).rejects.toThrow(ImageMissing);
    },
  );

  it('of busybox, with a /work of root, volumes, an entry point and a health check, serves as well', async () => {
    const changes = [
      'VOLUME /data',
      'VOLUME /work',
      'ENTRYPOINT ["/bin/false"]',
      'CMD ["no"]',
      'WORKDIR /data',
      'USER root',
      'ENV HOME=/root',
    ];
    const id = await importHostileImage(
      docker,
      [...changes, 'HEALTHCHECK --interval=1s CMD touch /work/unhealthy'],
      ['sh', 'cp', 'cat', 'id', 'ls', 'df', 'dd', 'sleep'],
    );
    onTestFinished(() => docker.getImage(id).remove({ force: true }));
    const before = await volumes();
    const busybox = workbench(sandbox, { kind: 'docker', reference: 'hostile:1', id });
    const files = { 'run.sh': { text: '#!/bin/sh\nid -u\n', mode: 0o755 }, link: { link: 'run.sh' }, '-n': 'dash' };

    expect(await busybox.output('./link; pwd; echo $HOME; cat ./-n; sleep 1.5; ls', { files })).toBe(
      '65534\n/work\n/tmp\ndash-n\nlink\nrun.sh\n',
    );
    expect((await busybox.run('dd if=/dev/zero of=/data/big bs=1M count=100')).outcome).toBe('tests_failed');
    expect(await volumes()).toEqual(before);
  });

  it('without a shell is a failed sandbox and no failing test', async () => {
    const id = await importHostileImage(docker, [], []);
    onTestFinished(() => docker.getImage(id).remove({ force: true }));
    const bare = workbench(sandbox, { kind: 'docker', reference: 'bare:1', id });
    expect(await bare.run('true')).toMatchObject({
      outcome: 'sandbox_failed',
      log: expect.toSatisfy((log: Buffer) => log.includes('/bin/sh')),
    });
  });
});

describe('An engine that does not answer', () => {
  it('is a failure outside that names no path', async () => {
    const gone = createDockerSandbox({ socketPath: '/nowhere/docker.sock' });
    for (const call of [
      () => gone.resolveImage('node:24'),
      () => workbench(gone, bench.image).run('true'),
      () => gone.reap('x'),
    ]) {
      const error = await call().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OutsideFailure);
      expect(String(error)).not.toContain('/nowhere');
    }
  });

  it('may also close every connection', async () => {
    const server = createServer((socket) => socket.destroy()).listen(`\0countersign-engine-${process.pid}`);
    onTestFinished(() => void server.close());
    const torn = createDockerSandbox({ socketPath: `\0countersign-engine-${process.pid}` });
    await expect(workbench(torn, bench.image).run('true')).rejects.toThrow(OutsideFailure);
  });
});
