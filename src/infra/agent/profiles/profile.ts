import type { Places } from '../places.ts';

/** A file or folder of this machine and where it stands in the agent's home. */
export interface LoginFile {
  readonly from: string;
  /** Relative to the home. */
  readonly to: string;
}

/** What a profile is asked to carry out. The texts are the requester's and may hold anything but NUL. */
export interface Assignment {
  readonly taskId: string;
  readonly repository: string;
  readonly branch: string;
  readonly triggerUser: string;
  readonly intent: string;
  readonly feedback: string;
}

export interface Invocation {
  readonly argv: readonly string[];
  /** Standard input; empty closes it. */
  readonly input: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Follows one run's standard output. */
export interface Reader {
  /** Takes a line as the CLI wrote it; returns what the agent is doing now when the line says so. */
  read(line: string): string | undefined;
  /** Called once, at the end: `undefined` for success, else a sentence that may still need redaction. */
  complaint(exitCode: number): string | undefined;
  meta(): Readonly<Record<string, string>>;
}

/** What is particular to one agent CLI. */
export interface Profile {
  /** The program it starts with, to be found on this machine; `null` when only the shell can tell. */
  readonly program: string | null;
  /** Whether it cannot run when the program was not found; else it may be a word of the shell's own. */
  readonly required: boolean;
  readonly logins: readonly LoginFile[];
  /** Answers with exit 0 and one line when the program is there. */
  probe(program: string): readonly string[];
  invocation(assignment: Assignment, program: string, places: Places): Invocation;
  reader(): Reader;
}

export const exitComplaint = (exitCode: number): string =>
  `The agent ended with exit code ${exitCode}; the end of its log says why. Rerun the task once that is settled.`;
