import { OutsideFailure } from '../../commands/ports/repositories.ts';

/** In the words of the system, or in those of git, which keeps the system's to itself where it writes an index, a ref or a configuration. */
const NO_SPACE =
  /no space left|disk quota|out of diskspace|couldn't write '|unable to write (?:new index )?file|failed to write new configuration file/i;

/** Git ended otherwise than it should. What it printed may hold paths and URLs of this machine, so it can be asked but not read. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** As errors of the system have it. */
  readonly code: 'ENOSPC' | undefined;
  readonly #diagnosis: string;
  constructor(command: string, exitCode: number | undefined, timedOut: boolean, diagnosis: string) {
    super(timedOut ? `git ${command} did not end in time` : `git ${command} failed`);
    this.exitCode = exitCode;
    this.timedOut = timedOut;
    this.#diagnosis = diagnosis;
    this.code = NO_SPACE.test(diagnosis) ? 'ENOSPC' : undefined;
  }
  says(pattern: RegExp): boolean {
    return pattern.test(this.#diagnosis);
  }
}

const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [
    /host key verification failed|no matching host key/i,
    'The host key of the remote is not known here; add it to known_hosts of the user the service runs as.',
  ],
  [
    /authentication failed|could not read (username|password)|permission denied|returned error: 40[13]|invalid credentials|access denied|write access to repository not granted|unable to get password/i,
    'The remote refused the login; check the token or ssh key ("countersign preflight" tries both directions).',
  ],
  [
    /repository.* not found|not found|does not appear to be a git repository|does not exist|no such file or directory/i,
    'The remote repository was not found, or this login may not see it; check its URL and the rights of the login.',
  ],
  [/redirect/i, 'The remote has moved; put its new URL into the snapshot (git remote set-url origin).'],
  [NO_SPACE, 'There is no space left on a disk, here or at the remote; make room and try again.'],
];

/** Why a remote could not be used, as a sentence with what to do. Never the words of git or the remote, which may hold paths and logins. */
export const remoteSentence = (error: unknown): string => {
  if (!(error instanceof GitFailure)) return 'The remote cannot be used at the moment.';
  if (error.timedOut) return 'The remote did not answer in time; it is tried again.';
  return (
    SENTENCES.find(([pattern]) => error.says(pattern))?.[1] ??
    'The remote cannot be reached at the moment; check the network and the URL of the remote.'
  );
};

/** A failure of git at the remote as an `OutsideFailure`; anything else (an abort, a bug) as it is. */
export const outside = (error: unknown): unknown =>
  error instanceof GitFailure ? new OutsideFailure(remoteSentence(error)) : error;
