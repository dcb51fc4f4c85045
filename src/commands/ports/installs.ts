import type { InstallStep } from '../../domain/install-step.ts';
import type { Dependency, SandboxRequest } from './sandbox.ts';

export interface InstallRequest extends Pick<SandboxRequest, 'owner' | 'image' | 'path' | 'limits' | 'signal' | 'onProgress'> {
  readonly step: InstallStep;
  /** The bytes of each input by its path, from where the command runs. */
  readonly inputs: ReadonlyMap<string, Buffer>;
}

/** Installed packages, held so that nothing removes them until they are let go of. */
export interface Installed extends AsyncDisposable {
  readonly dependencies: readonly Dependency[];
}

/** The step ran and did not make what it should, or may not run here. The message is a sentence for a person. */
export class InstallFailed extends Error {
  override readonly name = 'InstallFailed';
  readonly outcome: 'failed' | 'timed_out';
  /** What it printed. */
  readonly output: Buffer;
  constructor(sentence: string, output: Buffer = Buffer.alloc(0), outcome: InstallFailed['outcome'] = 'failed') {
    super(sentence);
    this.outcome = outcome;
    this.output = output;
  }
}

/** Runs install steps, each once for the same image, command, inputs and place: later requests get what the first one made. */
export interface Installs {
  /** Why nothing can be installed with this kind of sandbox, and what to do; `null`: it can. */
  readonly refusal: string | null;
  /**
   * Throws `InstallFailed`, `OutsideFailure` when the engine or an allowed host does not answer; rejects with the signal's reason when
   * aborted, and then goes on only for others who wait for the same.
   */
  provide(request: InstallRequest): Promise<Installed>;
  /** Removes what an earlier process began and did not end, and what was not used for long. */
  reap(): Promise<void>;
}
