import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandboxes } from '../../commands/ports/sandbox.ts';
import { DEFAULT_LIMITS } from '../../domain/limits.ts';
import { createBubblewrapSandbox, WEAKER } from './bubblewrap.ts';
import type { DockerSandboxOptions } from './docker.ts';
import { connectDocker } from './docker-engine.ts';

/** What preflight and health show. Not `ok`: do not run tests here, and the sentence says what to do. */
export interface SandboxProbe {
  readonly ok: boolean;
  readonly sentence: string;
  readonly warnings: readonly string[];
}

const PROBE_TIMEOUT_MS = 10_000;

/** First releases of runc without CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881; later minor versions have the fixes. */
const RUNC_FIXED: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [1, 2, 8],
  [1, 3, 3],
];

export const hasBreakoutFixes = (runcVersion: string): boolean => {
  if (/^1\.4\.0-rc\.?[12]\b/.test(runcVersion)) return false;
  const [, major, minor, patch] = (/^(\d+)\.(\d+)\.(\d+)/.exec(runcVersion) ?? []).map(Number);
  if (major === undefined || minor === undefined || patch === undefined) return false;
  const line = RUNC_FIXED.find((fixed) => fixed[0] === major && fixed[1] === minor);
  if (line !== undefined) return patch >= line[2];
  return major > 1 || (major === 1 && minor > 3);
};

const breakoutWarning = (runcVersion: string): string =>
  `runc ${runcVersion} lacks the fixes of the break-outs CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881. ` +
  'Upgrade it to 1.2.8, 1.3.3 or later, or use the runtime runsc.';

/** Fails closed on an engine that cannot hold a limit it is asked for; it would only warn and run without. */
export const probeDocker = async ({ socketPath, runtime }: DockerSandboxOptions = {}): Promise<SandboxProbe> => {
  const docker = connectDocker(socketPath, PROBE_TIMEOUT_MS);
  try {
    const [version, info] = await Promise.all([docker.version(), docker.info()]);
    const used = runtime ?? info.DefaultRuntime;
    const runc = version.Components?.find(({ Name }) => Name === 'runc')?.Version ?? 'of unknown version';
    const security: readonly string[] = info.SecurityOptions ?? [];
    const filtered = security.some((option) => option.startsWith('name=seccomp') && !option.includes('unconfined'));
    const faults = [
      info.Runtimes?.[used] === undefined && `It does not know the runtime ${used}.`,
      !info.MemoryLimit && 'It cannot limit memory.',
      !info.PidsLimit && 'It cannot limit processes.',
      !info.CpuCfsQuota && 'It cannot limit processors.',
      !filtered && 'It does not filter system calls.',
    ].filter((fault) => fault !== false);
    const warnings = [
      ...(used === 'runc' && !hasBreakoutFixes(runc) ? [breakoutWarning(runc)] : []),
      ...(info.SwapLimit ? [] : ['The engine cannot limit swap: a test can push other programs of this machine into it.']),
    ];
    const engine = `Docker ${version.Version} (API ${version.ApiVersion}), runtime ${used}, runc ${runc}, cgroup v${info.CgroupVersion ?? '1'}.`;
    return { ok: faults.length === 0, sentence: [engine, ...faults].join(' '), warnings };
  } catch {
    return { ok: false, sentence: 'No Docker engine answers. Install and start one, or say SANDBOX=bubblewrap.', warnings: [] };
  }
};

/** Tries the places that must be closed, and the one that must be open. */
const WRITE_PROBE = 'for folder in / /repo /etc /usr /dev; do touch $folder/probe && exit 1; done; touch /work/probe';

/** Whether the walls hold here: read-only mounts can be writable by an engine's mistake. Rejects as `run` does. */
export const probeWrites = async (sandbox: Sandboxes, reference: string): Promise<SandboxProbe> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-probe-'));
  const treeFolder = join(folder, 'repo');
  try {
    await mkdir(treeFolder);
    const { outcome } = await sandbox.run({
      key: `probe-${randomUUID()}`,
      owner: 'probe',
      image: await sandbox.resolveImage(reference),
      treeFolder,
      command: WRITE_PROBE,
      limits: { ...DEFAULT_LIMITS, sandboxTimeoutMs: PROBE_TIMEOUT_MS },
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    const ok = outcome === 'passed';
    return {
      ok,
      sentence: ok ? 'A test can write to its own copy only.' : 'A test could write where it must not, or not where it must.',
      warnings: [],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export const probeBubblewrap = async (): Promise<SandboxProbe> => {
  const none =
    'bubblewrap does not work here. Install it (apt-get install -y bubblewrap) and allow user namespaces (docs/operations.md, "Isolation"), or use Docker.';
  const { ok } = await probeWrites(createBubblewrapSandbox(), 'host').catch(() => ({ ok: false }));
  return { ok, sentence: ok ? 'bubblewrap works.' : none, warnings: [WEAKER] };
};
