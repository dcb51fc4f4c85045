import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InstallFailed, type InstallRequest } from '../../commands/ports/installs.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { ImageMissing, type SandboxResult } from '../../commands/ports/sandbox.ts';
import { inTree } from '../../domain/install-step.ts';
import type { Limits } from '../../domain/limits.ts';
import { type EgressProxy, startEgressProxy } from '../agent/egress-proxy.ts';
import { parseEgressRule } from '../agent/egress-rules.ts';
import type { DockerSandboxOptions } from './docker.ts';
import { type ContainerSettings, containerOptions, tmpfs } from './docker-container.ts';
import { createContainers } from './docker-engine.ts';
import { type Attendant, startAttendant } from './install-attendant.ts';
import type { MakeInstall } from './installs.ts';
import { openTree } from './test-run.ts';

const PROXY = 'http://127.0.0.1:3128';
/** Hosts that a sentence names. */
const HOSTS_NAMED_MAX = 3;
const MIB = 1024 * 1024;

/** The tree a step gets to see: its inputs, readable by the user inside. */
const writeInputs = async (folder: string, { path, inputs }: InstallRequest): Promise<void> => {
  for (const [name, bytes] of inputs) {
    const parts = inTree(path, name).split('/');
    for (const at of parts.keys()) {
      const parent = join(folder, ...parts.slice(0, at));
      await mkdir(parent, { recursive: true });
      await chmod(parent, 0o755);
    }
    await writeFile(join(folder, ...parts), bytes);
    await chmod(join(folder, ...parts), 0o644);
  }
};

/**
 * The walls of a test, with three doors: the attendant's network, whose only way out is the egress proxy; the volume in place of the
 * scratch space; a home for what a package manager keeps.
 */
const stepOptions = (
  { owner, image, path, step, limits, signal, onProgress }: InstallRequest,
  {
    key,
    treeFolder,
    volumes,
    runtime,
  }: { key: string; treeFolder: string; volumes: readonly string[]; runtime: string | undefined },
  { containerId, volume }: Attendant,
): ContainerSettings => {
  const request = { key, owner, image, path, limits, signal, onProgress, treeFolder, command: step.run };
  const { Hostname: _, HostConfig, ...rest } = containerOptions(request, volumes, runtime);
  const { '/work': work, ...scratch } = HostConfig.Tmpfs ?? {};
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => `${name}=${PROXY}`);
  return {
    ...rest,
    Env: ['HOME=/home/step', 'CI=true', 'COREPACK_ENABLE_DOWNLOAD_PROMPT=0', ...(step.hosts.length > 0 ? proxies : [])],
    HostConfig: {
      ...HostConfig,
      NetworkMode: `container:${containerId}`,
      Tmpfs: { ...scratch, '/home/step': tmpfs('exec', limits.sandboxScratchBytes, limits.sandboxScratchInodes) },
      Mounts: [
        ...(HostConfig.Mounts ?? []),
        {
          Type: 'volume',
          Source: volume,
          Target: '/work',
          VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
        },
      ],
    },
  };
};

const failureOf = ({ outcome, exitCode, sentence }: SandboxResult, limits: Limits): string => {
  switch (outcome) {
    case 'timed_out':
      return `The install command was still running after ${limits.sandboxTimeoutMs / 1000} s and was stopped.`;
    case 'out_of_memory':
      return `The install command used more than ${Math.ceil(limits.sandboxMemoryBytes / MIB)} MiB of memory; what it installs counts.`;
    case 'sandbox_failed':
      return `The install command could not be started. ${sentence ?? ''}`.trimEnd();
    default:
      return exitCode === 127
        ? 'The install command ended with exit code 127: a program it names is not in the image.'
        : `The install command ended with exit code ${exitCode}; the log says why.`;
  }
};

/** Throws what a step that did not succeed came to. */
const fail = (result: SandboxResult, limits: Limits, proxy: EgressProxy | null): never => {
  if (proxy?.hasFailed() === true) {
    throw new OutsideFailure(
      'The install command could not reach a host it may reach. Look at the network of the service’s machine.',
    );
  }
  const refused = (proxy?.asked() ?? []).filter(({ allowed }) => !allowed).map(({ host }) => host);
  const named = refused.slice(0, HOSTS_NAMED_MAX).join(', ');
  const sentences = [
    failureOf(result, limits),
    ...(named === '' ? [] : [`It asked for ${named}, which INSTALL_EGRESS does not allow.`]),
    'Mend the install step, then rerun the task.',
  ];
  throw new InstallFailed(sentences.join(' '), result.log, result.outcome === 'timed_out' ? 'timed_out' : 'failed');
};

/** Runs an install step in a container of the tests' own image, with the tests' limits. */
export const createDockerInstall = ({ socketPath, runtime }: DockerSandboxOptions = {}): MakeInstall => {
  const containers = createContainers(socketPath);

  return async (request, { key, workFolder, keepFolder }) => {
    const { image, path, step, limits, owner, signal, onProgress } = request;
    if (image.kind !== 'docker') throw new ImageMissing('This was approved for another sandbox than Docker. Ask for it again.');
    const volumes = await containers.volumesOf(image);
    const [treeFolder, egressFolder] = [join(workFolder, 'repo'), join(workFolder, 'egress')];
    let proxy: EgressProxy | null = null;
    let attendant: Attendant | undefined;
    try {
      await mkdir(egressFolder);
      await writeInputs(treeFolder, request);
      await openTree(treeFolder);
      if (step.hosts.length > 0) {
        const rules = step.hosts.map((host) => parseEgressRule(host, 'operator'));
        const party = { who: 'this install step', variable: 'INSTALL_EGRESS' };
        proxy = await startEgressProxy({ socketPath: join(egressFolder, 'socket'), rules, party });
      }
      const outputs = step.outputs.map((output) => inTree(path, output));
      const egress = proxy === null ? null : egressFolder;
      const order = { key, owner, outputs, limits, workFolder, keepFolder, egressFolder: egress };
      attendant = await startAttendant(containers, order, signal);

      const result = await containers.run(stepOptions(request, { key, treeFolder, volumes, runtime }, attendant), {
        limits,
        signal,
        onProgress,
      });
      signal.throwIfAborted();
      if (result.outcome !== 'passed') return fail(result, limits, proxy);
      const kept = await attendant.keep(signal);
      if ('outside' in kept) throw new OutsideFailure(kept.outside);
      if ('refused' in kept) {
        throw new InstallFailed(
          `What the install command made cannot be used: ${kept.refused}. Mend the install step, then rerun the task.`,
          result.log,
        );
      }
      return kept;
    } finally {
      await attendant?.remove();
      await proxy?.close();
    }
  };
};
