import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSystemd } from '../../src/infra/systemd.ts';

/** What systemd does with its end of the socket. Node has none of this kind, Debian's perl has. */
const LISTENER = `
use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die; print "listening\\n";
while (defined recv($s, my $m, 4096, 0)) { print "$m\\n" }`;

describe('A service under systemd', () => {
  let folder: string;
  let listener: ChildProcess;
  let heard: string[];
  const settings = (more = {}) => ({ NOTIFY_SOCKET: join(folder, 'notify'), ...more });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-systemd-'));
    heard = [];
    listener = spawn('perl', ['-e', LISTENER, join(folder, 'notify')], { stdio: ['ignore', 'pipe', 'inherit'] });
    listener.stdout?.setEncoding('utf8').on('data', (text: string) => heard.push(...text.trim().split('\n')));
    await vi.waitFor(() => expect(heard).toContain('listening'), 5_000);
  });
  afterEach(async () => {
    listener.kill();
    await rm(folder, { recursive: true, force: true });
  });

  it('says when it is ready and when it stops, in the name of its own process', async () => {
    const systemd = createSystemd({ environment: settings(), answers: async () => true });
    await systemd.ready();
    await vi.waitFor(() => expect(heard).toContain('READY=1'), 5_000);
    await systemd.stopping();
    await vi.waitFor(() => expect(heard).toContain('STOPPING=1'), 5_000);
    expect(heard).toContain(`MAINPID=${process.pid}`);
    expect(heard).not.toContain('WATCHDOG=1');
  });

  it('feeds the watchdog for as long as it answers, and no longer', async () => {
    let answers = true;
    const systemd = createSystemd({
      environment: settings({ WATCHDOG_USEC: '300000' }),
      answers: async () => answers || Promise.reject(new Error('hung')),
    });
    await systemd.ready();
    await vi.waitFor(() => expect(heard.filter((line) => line === 'WATCHDOG=1').length).toBeGreaterThan(1), 5_000);
    answers = false;
    await pause(500);
    const fed = heard.length;
    await pause(500);
    expect(heard).toHaveLength(fed);
    await systemd.stopping();
  });

  it('is a service like any other without it', async () => {
    const systemd = createSystemd({ environment: {}, answers: async () => true });
    await systemd.ready();
    await systemd.stopping();
    expect(heard).toEqual(['listening']);
  });
});
