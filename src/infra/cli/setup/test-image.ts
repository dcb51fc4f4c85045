import { ImageMissing } from '../../../commands/ports/sandbox.ts';
import type { Configuration } from '../../config/configuration.ts';
import { createDockerSandbox } from '../../sandbox/docker.ts';
import { connectDocker } from '../../sandbox/docker-engine.ts';
import { probeDocker } from '../../sandbox/probe.ts';
import type { Terminal } from '../terminal.ts';
import type { Interview } from './interview.ts';

/** An engine that does not answer says so soon; an image may take its time. */
const PULL_TIMEOUT_MS = 15 * 60_000;

const pull = async (socketPath: string | undefined, image: string): Promise<boolean> => {
  const docker = connectDocker(socketPath, PULL_TIMEOUT_MS);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stream = await docker.pull(image).catch(() => null);
  if (stream === null) return false;
  docker.modem.followProgress(stream, (error) => resolve(error === null || error === undefined));
  return promise;
};

/** Sees to it that the image tests run in is on this machine, where Docker runs them. */
export const ensureTestImage = async (
  { sandbox, operator: { image } }: Configuration,
  interview: Interview,
  terminal: Terminal,
): Promise<void> => {
  const socket = sandbox.dockerSocket === null ? {} : { socketPath: sandbox.dockerSocket };
  if (sandbox.kind === 'bubblewrap') return terminal.print('  Tests run in bubblewrap, with the programs of this machine.');
  if (!(await probeDocker(socket)).ok)
    return terminal.print('  No Docker engine answers: tests run in bubblewrap, which is weaker than Docker.');
  if (image === null) return terminal.print('  Each repository names its own.');
  const isHere = await createDockerSandbox(socket)
    .resolveImage(image)
    .catch((error: unknown) => {
      if (error instanceof ImageMissing) return null;
      throw error;
    });
  if (isHere !== null) return terminal.print(`  ${image} is here.`);
  if (!(await interview.confirm(`${image} is not on this machine. Get it now?`, true))) return;
  terminal.print(`  Getting ${image} …`);
  const got = await pull(socket.socketPath, image);
  terminal.print(got ? `  ${image} is here.` : `  It could not be had. Try: docker pull ${image}`);
};
