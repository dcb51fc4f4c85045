import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  ImageMissing,
  type Sandboxes,
  type SandboxImage,
  type SandboxRequest,
  type SandboxResult,
} from '../../commands/ports/sandbox.ts';
import { containerOptions, OWNER_LABEL, unattached } from './docker-container.ts';
import { createContainers, isHeld, outside } from './docker-engine.ts';
import { HOSTS, openTree } from './test-run.ts';

export interface DockerSandboxOptions {
  /** Path of the engine's unix socket; what `DOCKER_HOST` or the client's default says when absent. */
  readonly socketPath?: string;
  /** An OCI runtime the engine knows, such as `runsc`; the engine's own default when absent. */
  readonly runtime?: string;
}

/** Beside the tree: there it is found by the engine as the tree is, and goes with it. */
const writeHosts = async (treeFolder: string): Promise<string> => {
  const file = join(dirname(treeFolder), 'hosts');
  await writeFile(file, HOSTS);
  await chmod(file, 0o644);
  return file;
};

const IMAGE_REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,254}$/;

export const createDockerSandbox = ({ socketPath, runtime }: DockerSandboxOptions = {}): Sandboxes => {
  const { engine, discard, inspectImage, volumesOf, run: runContainer } = createContainers(socketPath);

  const resolveImage = async (reference: string): Promise<SandboxImage> => {
    if (!IMAGE_REFERENCE.test(reference) || reference.includes('..')) {
      throw new ImageMissing('The name of the image is not one that Docker knows; it looks like node:22-bookworm-slim.');
    }
    return { kind: 'docker', reference, id: (await inspectImage(reference, reference)).Id };
  };

  const run = async (request: SandboxRequest): Promise<SandboxResult> => {
    const { image, signal, treeFolder } = request;
    signal.throwIfAborted();
    if (image.kind !== 'docker') throw new ImageMissing('This was approved for another sandbox than Docker. Ask for it again.');
    const [volumes, hostsFile] = await Promise.all([volumesOf(image), writeHosts(treeFolder), openTree(treeFolder)]);
    const options = containerOptions(request, volumes, runtime);
    // Another runtime than the engine's own may find a loopback only where the engine made a network for it, if an empty one.
    return runContainer(runtime === undefined ? unattached(options, hostsFile) : options, request);
  };

  const reap = async (owner: string): Promise<void> => {
    try {
      const found = await engine.listContainers({ all: true, filters: { label: [`${OWNER_LABEL}=${owner}`] } });
      // Newest first, as they are listed: what one made for another goes before it.
      for (const container of found) if (!isHeld(container)) await discard(engine.getContainer(container.Id));
    } catch (error) {
      throw outside(error);
    }
  };

  return { kind: 'docker', resolveImage, run, reap };
};
