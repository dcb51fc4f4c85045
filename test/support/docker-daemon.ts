import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';

const START_TIMEOUT_MS = 60_000;

const answers = async (docker: Docker): Promise<boolean> =>
  docker.ping().then(
    () => true,
    () => false,
  );

/** A client for a Docker engine that answers; starts one on a machine that has it installed and lets us. It is left running. */
export const ensureDocker = async (): Promise<Docker> => {
  const docker = new Docker();
  if (await answers(docker)) return docker;

  if (process.getuid?.() === 0) {
    const daemon = spawn('dockerd', [], { detached: true, stdio: 'ignore' });
    daemon.on('error', () => {});
    daemon.unref();
    const until = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < until && daemon.exitCode === null) {
      if (await answers(docker)) return docker;
      await delay(100);
    }
    // Another test process may have won the start.
    if (await answers(docker)) return docker;
  }
  throw new Error('These tests need a Docker engine. Install and start it: apt-get install -y docker.io && dockerd &');
};
