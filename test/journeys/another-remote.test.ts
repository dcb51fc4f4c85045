import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { approve, filed, type Office, openOffice, WAIT } from '../http/office.ts';
import { git } from '../support/git-commands.ts';

describe('A repository whose origin is another than was approved', () => {
  let office: Office;
  let other: string;
  const snapshot = (): string => join(office.workshop.folder, 'repos/acme/widgets');

  beforeAll(async () => {
    office = await openOffice();
    other = join(office.workshop.folder, 'other.git');
    await git('/', ['clone', '--quiet', '--bare', office.workshop.origin, other]);
  });
  afterAll(() => office?.close());

  it('gets nothing, and neither does the one that was approved', async () => {
    const { taskId } = await filed(office.admin);
    await git(snapshot(), ['config', 'remote.origin.url', other]);
    // What origin was is remembered for a moment; a fresh start looks.
    await office.reopen();
    const waiting = (await office.admin.call('GET', `/api/v1/tasks/${taskId}`)).task();
    const task = (await approve(office.admin, waiting, WAIT)).task();

    expect(task).toMatchObject({ status: 'FAILED', errorCode: 'SNAPSHOT_MISSING' });
    expect(task.sentence).toContain('approved');
    for (const remote of [other, office.workshop.origin])
      expect(await git(remote, ['for-each-ref', '--format=%(refname)', 'refs/heads/countersign'])).toBe('');
  });
});

describe('The list of repositories', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice();
  });
  afterAll(() => office?.close());

  it('waits for no remote', async () => {
    const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/acme/silent.git`; // A TCP server that listens has one.
    const folder = join(office.workshop.folder, 'repos/acme/silent');
    await git('/', ['init', '--quiet', folder]);
    await git(folder, ['remote', 'add', 'origin', url]);

    const { repositories } = (await office.admin.call('GET', '/api/v1/repositories')).json();
    expect(repositories).toEqual([
      { name: 'acme/silent', remote: url },
      { name: 'acme/widgets', remote: office.workshop.origin },
    ]);
  }, 20_000);
});
