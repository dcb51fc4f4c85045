import type { Limits } from '../../domain/limits.ts';

/** What tests run in. For Docker the image by its local id; bubblewrap uses the machine's own system and says so. */
export interface SandboxImage {
  readonly kind: 'docker' | 'bubblewrap';
  /** The reference that was asked for, such as `node:22-bookworm-slim`; `host` for bubblewrap. */
  readonly reference: string;
  /** The local image id `sha256:…`; `host` for bubblewrap. */
  readonly id: string;
}

/** Packages that were installed for the tests, as a folder of this machine. */
export interface Dependency {
  /** Absolute; mounted read-only. */
  readonly folder: string;
  /** Where it stands in the tree; nothing of the tree may be there. */
  readonly path: string;
}

export interface SandboxRequest {
  /** Names the container; unique for each execution, known before it runs, so a second call finds the first. */
  readonly key: string;
  /** Labels the container for the reaper. */
  readonly owner: string;
  readonly image: SandboxImage;
  /** Absolute; the raw bytes of the tree under test, in a folder of this run alone. Mounted read-only at `/repo`, copied to `/work` inside. */
  readonly treeFolder: string;
  /** Puts the tree into `treeFolder`, which is made and empty, while the container is made; absent: it is there already. */
  readonly fill?: () => Promise<void>;
  readonly command: string;
  /** Folder of the tree in which the command runs; absent: its root. */
  readonly path?: string | undefined;
  /** Only where the sandbox is Docker; bubblewrap refuses a request that has any. */
  readonly dependencies?: readonly Dependency[] | undefined;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
  /** Takes what is left to tidy up once the outcome is recorded, such as a container that ended; absent: `run` does it. */
  readonly afterwards?: (work: () => Promise<void>) => void;
}

export interface SandboxResult {
  readonly outcome: 'passed' | 'tests_failed' | 'timed_out' | 'out_of_memory' | 'sandbox_failed';
  /** As the host read it from the engine; `null` when there was none. */
  readonly exitCode: number | null;
  readonly sentence?: string;
  readonly log: Buffer;
  readonly durationMs: number;
}

/** The image asked for is not on this machine, or not allowed here. */
export class ImageMissing extends Error {
  override readonly name = 'ImageMissing';
}

/** Runs a test command on a tree without network. The container has ended when `run` resolves, and is gone when it rejects. */
export interface Sandboxes {
  readonly kind: 'docker' | 'bubblewrap';
  /** The local id of an image. Throws `ImageMissing` with what to do, `OutsideFailure` when the engine does not answer. */
  resolveImage(reference: string): Promise<SandboxImage>;
  /** Throws `OutsideFailure` when the engine does not answer; rejects with the signal's reason when aborted. */
  run(request: SandboxRequest): Promise<SandboxResult>;
  /** Removes containers of `owner` (this data folder) that nothing in this process holds. */
  reap(owner: string): Promise<void>;
}
