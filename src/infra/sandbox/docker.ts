import { finished } from 'node:stream/promises';
import Docker from 'dockerode';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import {
  ImageMissing,
  type Sandboxes,
  type SandboxImage,
  type SandboxRequest,
  type SandboxResult,
} from '../../commands/ports/sandbox.ts';
import { containerName, containerOptions, KEY_LABEL, OWNER_LABEL } from './docker-container.ts';
import { createFrameReader } from './docker-frames.ts';
import { createTestOutput, openTree, resultOf } from './test-run.ts';

export interface DockerSandboxOptions {
  /** Path of the engine's unix socket; what `DOCKER_HOST` or the client's default says when absent. */
  readonly socketPath?: string;
  /** An OCI runtime the engine knows, such as `runsc`; the engine's own default when absent. */
  readonly runtime?: string;
}

/** Longest silence of the engine while it answers one call. */
const ANSWER_TIMEOUT_MS = 60_000;
/** Longest time between the kill at the time limit and the end of the container. */
const KILL_TIMEOUT_MS = 30_000;
/** Longest time for the last output to arrive once the container has ended. */
const DRAIN_TIMEOUT_MS = 10_000;
const CREATE_TRIES_MAX = 3;

const IMAGE_REFERENCE = /^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,254}$/;

/** A client whose calls fail after `timeoutMs` of silence; without it they wait, as calls that last as long as the test must. */
export const connectDocker = (socketPath?: string, timeoutMs?: number): Docker =>
  new Docker({
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });

const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;

const outside = (error: unknown): OutsideFailure => {
  const status = statusOf(error);
  return new OutsideFailure(
    status === undefined
      ? 'The Docker engine does not answer. Start it, or look at its log.'
      : `The Docker engine could not run the sandbox (it answered ${status}). Its log says why.`,
    { cause: error },
  );
};

/** The engine understood and will not: the same request would be refused again. */
const REFUSED: SandboxResult = {
  outcome: 'sandbox_failed',
  exitCode: null,
  sentence: 'The Docker engine refuses the container. The image needs /bin/sh, and the engine must run on this machine.',
  log: Buffer.alloc(0),
  durationMs: 0,
};

const notHere = (reference: string): ImageMissing =>
  new ImageMissing(`The image ${reference} is not on this machine. Get it with: docker pull ${reference}`);

export const createDockerSandbox = ({ socketPath, runtime }: DockerSandboxOptions = {}): Sandboxes => {
  const engine = connectDocker(socketPath, ANSWER_TIMEOUT_MS);
  const patient = connectDocker(socketPath);

  const inspectImage = async (name: string, reference: string): Promise<Docker.ImageInspectInfo> => {
    try {
      return await engine.getImage(name).inspect();
    } catch (error) {
      throw statusOf(error) === 404 ? notHere(reference) : outside(error);
    }
  };

  const resolveImage = async (reference: string): Promise<SandboxImage> => {
    if (!IMAGE_REFERENCE.test(reference) || reference.includes('..')) {
      throw new ImageMissing('The name of the image is not one that Docker knows; it looks like node:22-bookworm-slim.');
    }
    return { kind: 'docker', reference, id: (await inspectImage(reference, reference)).Id };
  };

  /** Kills and removes, also when somebody else is just removing it. Fine when there is none. */
  const discard = async (container: Docker.Container): Promise<void> => {
    try {
      await container.remove({ force: true, v: true });
    } catch (error) {
      if (statusOf(error) === 409) {
        await container.wait({ condition: 'removed', abortSignal: AbortSignal.timeout(KILL_TIMEOUT_MS) }).catch(() => {});
      } else if (statusOf(error) !== 404) {
        throw error;
      }
    }
  };

  /** In place of what an earlier execution of the same key left, running or not. */
  const create = async (options: Docker.ContainerCreateOptions, name: string): Promise<Docker.Container> => {
    for (let tries = 1; ; tries++) {
      try {
        return await engine.createContainer(options);
      } catch (error) {
        if (statusOf(error) !== 409 || tries === CREATE_TRIES_MAX) throw error;
        await discard(engine.getContainer(name));
      }
    }
  };

  /** Start to end. `wait` comes after `start`: before it, it answers at once with 0 and a failing test would look green. */
  const observe = async (container: Docker.Container, request: SandboxRequest): Promise<SandboxResult> => {
    const { limits, signal } = request;
    const output = createTestOutput(request);
    const attached = await patient
      .getContainer(container.id)
      .attach({ stream: true, stdout: true, stderr: true, abortSignal: signal });
    attached.on(
      'data',
      createFrameReader((stream, payload) => output[stream](payload)),
    );
    const drained = finished(attached).catch(() => {});

    signal.throwIfAborted();
    const startedAt = performance.now();
    await container.start();
    signal.throwIfAborted();

    let killed: Promise<boolean> | undefined;
    const kill = (): Promise<boolean> =>
      container.kill({ signal: 'SIGKILL' }).then(
        () => true,
        () => false,
      );
    const clock = setTimeout(() => {
      killed = kill();
    }, limits.sandboxTimeoutMs);
    try {
      const patience = AbortSignal.timeout(limits.sandboxTimeoutMs + KILL_TIMEOUT_MS);
      await patient.getContainer(container.id).wait({ abortSignal: AbortSignal.any([signal, patience]) });
    } finally {
      clearTimeout(clock);
    }
    const durationMs = performance.now() - startedAt;
    const timedOut = (await killed) ?? false;
    await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, DRAIN_TIMEOUT_MS).unref())]);

    const { State } = await container.inspect();
    return resultOf({ output, exitCode: State.ExitCode, timedOut, outOfMemory: State.OOMKilled, durationMs }, limits);
  };

  const run = async (request: SandboxRequest): Promise<SandboxResult> => {
    const { image, key, signal, treeFolder } = request;
    signal.throwIfAborted();
    if (image.kind !== 'docker') throw new ImageMissing('This was approved for another sandbox than Docker. Ask for it again.');
    const volumes = Object.keys((await inspectImage(image.id, image.reference)).Config.Volumes ?? {});
    await openTree(treeFolder);

    try {
      const container = await create(containerOptions(request, volumes, runtime), containerName(key));
      try {
        return await observe(container, request);
      } finally {
        // Where this fails the verdict stands all the same, and the reaper finds the container by its label.
        await discard(container).catch(() => {});
      }
    } catch (error) {
      signal.throwIfAborted();
      if (statusOf(error) === 400) return REFUSED;
      throw error instanceof OutsideFailure ? error : outside(error);
    }
  };

  const reap = async (owner: string, running: ReadonlySet<string>): Promise<void> => {
    try {
      const found = await engine.listContainers({ all: true, filters: { label: [`${OWNER_LABEL}=${owner}`] } });
      const stray = found.filter(({ Labels }) => !running.has(Labels[KEY_LABEL] ?? ''));
      await Promise.all(stray.map(({ Id }) => discard(engine.getContainer(Id))));
    } catch (error) {
      throw outside(error);
    }
  };

  return { kind: 'docker', resolveImage, run, reap };
};
