import { Agent } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import Docker from 'dockerode';
import { z } from 'zod';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { ImageMissing, type SandboxImage, type SandboxRequest, type SandboxResult } from '../../commands/ports/sandbox.ts';
import { createFrameReader } from './docker-frames.ts';
import { createTestOutput, resultOf } from './test-run.ts';

/** Longest silence of the engine while it answers one call. */
const ANSWER_TIMEOUT_MS = 60_000;
/** Longest time between the kill at the time limit and the end of the container. */
const KILL_TIMEOUT_MS = 30_000;
/** Longest time for the last output to arrive once the container has ended. */
const DRAIN_TIMEOUT_MS = 10_000;
const CREATE_TRIES_MAX = 3;

/** The client takes it, though its types do not know. */
const EACH_ANEW = { agent: new Agent({ keepAlive: false }) };

/**
 * A client whose calls fail after `timeoutMs` of silence; without it they wait, as calls that last as long as the test must. Each takes a
 * new connection: an engine that stops takes none any more, and over an old one would tell of the containers it ends as if tests had failed.
 */
export const connectDocker = (socketPath?: string, timeoutMs?: number): Docker =>
  new Docker({
    ...EACH_ANEW,
    ...(socketPath === undefined ? {} : { socketPath }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });

export const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;

export const outside = (error: unknown): OutsideFailure => {
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

/**
 * Containers that this process made and has not removed, whoever made them: by name while the engine makes them, by id from then on. A reaper
 * leaves them alone.
 */
const held = new Set<string>();

export const isHeld = ({ Id, Names }: Pick<Docker.ContainerInfo, 'Id' | 'Names'>): boolean =>
  held.has(Id) || Names.some((name) => held.has(name.replace(/^\//, '')));

const WAIT_CODES = { 200: true, 400: 'bad parameter', 404: 'no such container', 500: 'server error' };
const Waited = z.object({ Error: z.unknown() });

/**
 * Resolves when the container has ended; rejects when the engine goes away before. Not dockerode’s own `wait`: the engine answers with the
 * head at once, and dockerode never settles when the rest is cut off. Where it names an `Error` the container may still run.
 */
const untilEnded = async (
  { id, modem }: Docker.Container,
  condition: 'not-running' | 'removed',
  abortSignal: AbortSignal,
): Promise<void> => {
  const answer = await new Promise<Readable>((resolve, reject) =>
    modem.dial(
      {
        path: `/containers/${id}/wait?`,
        method: 'POST',
        options: { _query: { condition }, _body: {} },
        statusCodes: WAIT_CODES,
        isStream: true,
        abortSignal,
      },
      (error: Error | null, stream: Readable) => (error ? reject(error) : resolve(stream)),
    ),
  );
  const { Error: reason } = Waited.parse(await json(answer));
  if (reason) throw outside(reason);
};

type Run = Pick<SandboxRequest, 'limits' | 'signal' | 'onProgress' | 'fill' | 'afterwards'>;

/** What is done with containers, whatever runs in them. */
export const createContainers = (socketPath: string | undefined) => {
  const engine = connectDocker(socketPath, ANSWER_TIMEOUT_MS);
  const patient = connectDocker(socketPath);

  const inspectImage = async (name: string, reference: string): Promise<Docker.ImageInspectInfo> => {
    try {
      return await engine.getImage(name).inspect();
    } catch (error) {
      throw statusOf(error) === 404 ? notHere(reference) : outside(error);
    }
  };

  /** What the image declares as volumes. Throws `ImageMissing`, `OutsideFailure`. */
  const volumesOf = async ({ id, reference }: SandboxImage): Promise<readonly string[]> =>
    Object.keys((await inspectImage(id, reference)).Config.Volumes ?? {});

  /** Kills and removes, also when somebody else is just removing it. Fine when there is none. */
  const discard = async (container: Docker.Container): Promise<void> => {
    try {
      await container.remove({ force: true, v: true });
    } catch (error) {
      if (statusOf(error) === 409) {
        await untilEnded(container, 'removed', AbortSignal.timeout(KILL_TIMEOUT_MS)).catch(() => {});
      } else if (statusOf(error) !== 404) {
        throw error;
      }
    } finally {
      held.delete(container.id);
    }
  };

  /** In place of what an earlier execution of the same key left, running or not. */
  const create = async (options: Docker.ContainerCreateOptions): Promise<Docker.Container> => {
    const { name = '' } = options;
    for (let tries = 1; ; tries++) {
      held.add(name);
      try {
        const container = await engine.createContainer(options);
        held.add(container.id);
        return container;
      } catch (error) {
        if (statusOf(error) !== 409 || tries === CREATE_TRIES_MAX) throw error;
        await discard(engine.getContainer(name));
      } finally {
        held.delete(name);
      }
    }
  };

  /** Start to end, of a container whose output is heard. `wait` comes after `start`: before it, it answers at once with 0 and a failing test would look green. */
  const observe = async (container: Docker.Container, { limits, signal }: Run, heard: Promise<void>) => {
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
      await untilEnded(patient.getContainer(container.id), 'not-running', AbortSignal.any([signal, patience]));
    } finally {
      clearTimeout(clock);
    }
    const durationMs = performance.now() - startedAt;
    const timedOut = (await killed) ?? false;
    await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, DRAIN_TIMEOUT_MS).unref())]);

    const { State } = await container.inspect();
    return { exitCode: State.ExitCode, timedOut, outOfMemory: State.OOMKilled, durationMs };
  };

  const runMade = async (container: Docker.Container, request: Run, filled: Promise<void>): Promise<SandboxResult> => {
    const { limits, signal } = request;
    const output = createTestOutput(request);
    const attaching = patient
      .getContainer(container.id)
      .attach({ stream: true, stdout: true, stderr: true, abortSignal: signal });
    const attached = (await attaching) as Duplex; // The client’s own stream over the connection.
    try {
      attached.on(
        'data',
        createFrameReader((stream, payload) => output[stream](payload)),
      );
      const heard = finished(attached).catch(() => {});
      await filled;
      signal.throwIfAborted();
      return resultOf({ output, ...(await observe(container, request, heard)) }, limits);
    } finally {
      attached.destroy(); // The engine ends it with a container that ran, and never with one that was not started.
    }
  };

  /** From its creation to its removal; the name is the one in `options`. Throws `OutsideFailure`. */
  const run = async (options: Docker.ContainerCreateOptions, request: Run): Promise<SandboxResult> => {
    const filled = request.fill?.() ?? Promise.resolve();
    filled.catch(() => {}); // Whether it went well is asked when the container is made.
    try {
      const container = await create(options);
      // Where this fails the verdict stands all the same, and the reaper finds the container by its label.
      const remove = (): Promise<void> => discard(container).catch(() => {});
      try {
        const result = await runMade(container, request, filled);
        await (request.afterwards ? request.afterwards(remove) : remove());
        return result;
      } catch (error) {
        await remove();
        throw error;
      }
    } catch (error) {
      request.signal.throwIfAborted();
      await filled; // It is no fault of the engine’s when there is nothing to test.
      if (statusOf(error) === 400) return REFUSED;
      throw error instanceof OutsideFailure ? error : outside(error);
    } finally {
      await filled.catch(() => {}); // Nobody writes into the folder any more.
    }
  };

  return { engine, patient, inspectImage, volumesOf, create, discard, run };
};

export type Containers = ReturnType<typeof createContainers>;
