import { type CommitRequest, OutsideFailure, type PushRequest } from '../../commands/ports/repositories.ts';
import { BranchName, type ObjectId } from '../../domain/ids.ts';
import { GitFailure, outside, remoteSentence } from './failure.ts';
import type { Mirror } from './mirrors.ts';
import type { Remote } from './remote.ts';

const LOOK_TIMEOUT_MS = 60_000;
const PUSH_TIMEOUT_MS = 10 * 60_000;

/** Fixed for ever: ids of commits derive from it, and a retry must find its own. */
const AUTHOR_NAME = 'Countersign';
const AUTHOR_EMAIL = 'countersign@localhost';

const branchRef = (branch: string): string => {
  if (!BranchName.safeParse(branch).success) throw new RangeError('not a plain branch name');
  return `refs/heads/${branch}`;
};

/** Names the commit and, read back from it, the tree it holds. */
const COMMIT = `commit=$(git commit-tree "$@" -F -)
echo "$commit"
exec git rev-parse --verify --quiet "$commit^{tree}"`;

/** The same input gives the same id, on every machine: nothing but the request goes into the commit. */
export const makeCommit = async (
  mirror: Mirror,
  { tree, parents, message, at }: CommitRequest,
  signal?: AbortSignal,
): Promise<ObjectId> => {
  const seconds = Math.floor(Date.parse(at) / 1000);
  if (!Number.isSafeInteger(seconds)) throw new RangeError('the time of a commit must be ISO 8601');
  for (const parent of parents) await mirror.ensureCommit(parent, signal);
  const date = `@${seconds} +0000`;
  const { stdout } = await mirror.run([tree, ...parents.flatMap((parent) => ['-p', parent])], {
    script: COMMIT,
    input: message,
    env: {
      GIT_AUTHOR_NAME: AUTHOR_NAME,
      GIT_AUTHOR_EMAIL: AUTHOR_EMAIL,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: AUTHOR_NAME,
      GIT_COMMITTER_EMAIL: AUTHOR_EMAIL,
      GIT_COMMITTER_DATE: date,
    },
  });
  const [commit = '', held = ''] = stdout.toString('latin1').split('\n');
  mirror.note(commit, held);
  return commit;
};

const headsAt = async (
  mirror: Mirror,
  remote: Remote,
  refs: readonly string[],
  signal?: AbortSignal,
): Promise<(ObjectId | null)[]> => {
  const { stdout } = await mirror.run(['ls-remote', '--refs', '--quiet', '--', remote.url, ...refs], {
    remote,
    timeoutMs: LOOK_TIMEOUT_MS,
    signal,
  });
  const lines = stdout
    .toString('latin1')
    .split('\n')
    .map((line) => line.split('\t'));
  // A pattern also finds refs that merely end in the same words.
  return refs.map((ref) => lines.find(([, name]) => name === ref)?.[0] ?? null);
};

const headAt = async (mirror: Mirror, remote: Remote, ref: string, signal?: AbortSignal): Promise<ObjectId | null> =>
  (await headsAt(mirror, remote, [ref], signal))[0] ?? null;

/** Heads of these branches, in their order, asked of the remote itself in one go. Throws `OutsideFailure`. */
export const remoteHeads = async (
  mirror: Mirror,
  branches: readonly string[],
  signal?: AbortSignal,
): Promise<readonly (ObjectId | null)[]> => {
  const refs = branches.map(branchRef);
  const remote = await mirror.remote();
  try {
    return await headsAt(mirror, remote, refs, signal);
  } catch (error) {
    throw outside(error);
  }
};

export const isAncestor = async (
  mirror: Mirror,
  ancestor: ObjectId,
  commit: ObjectId,
  branch: string,
  signal?: AbortSignal,
): Promise<boolean> => {
  branchRef(branch);
  if (!(await mirror.has(`${commit}^{commit}`))) {
    await mirror.fetchBranch(branch, signal);
    if (!(await mirror.has(`${commit}^{commit}`))) return false;
  }
  if (!(await mirror.has(`${ancestor}^{commit}`))) return false;
  return (await mirror.run(['merge-base', '--is-ancestor', ancestor, commit], { exitCodes: [0, 1] })).exitCode === 0;
};

export const commitsBetween = async (mirror: Mirror, from: ObjectId, to: ObjectId, signal?: AbortSignal): Promise<number> => {
  await mirror.ensureCommit(from, signal);
  const { stdout } = await mirror.run(['rev-list', '--count', `${from}..${to}`]);
  return Number(stdout.toString('latin1').trim());
};

const pushArgs = (ref: string, { commit, lease }: PushRequest, remote: Remote, options: readonly string[] = []): string[] => [
  'push',
  '--quiet',
  '--porcelain',
  '--no-verify',
  '--no-signed',
  '--no-follow-tags',
  '--recurse-submodules=no',
  `--force-with-lease=${ref}:${lease ?? ''}`,
  ...options,
  '--',
  remote.url,
  `${commit}:${ref}`,
];

/**
 * Pushes one commit to one branch. What became of it is asked of the remote, not read from messages: an acknowledgement may be lost, and
 * remotes word their refusals as they like. Throws `OutsideFailure`.
 */
export const push = async (mirror: Mirror, request: PushRequest, signal?: AbortSignal): Promise<'pushed' | 'lease_refused'> => {
  const ref = branchRef(request.branch);
  const { commit, lease } = request;
  if (lease !== null && lease !== commit) {
    await mirror.ensureCommit(lease, signal);
    const { exitCode } = await mirror.run(['merge-base', '--is-ancestor', lease, commit], { exitCodes: [0, 1] });
    // A lease also lets git overwrite; here nothing is ever overwritten.
    if (exitCode !== 0) throw new Error('a push must build on the head it replaces');
  }
  const remote = await mirror.remote();
  try {
    await mirror.run(pushArgs(ref, request, remote), { remote, timeoutMs: PUSH_TIMEOUT_MS, signal });
    return 'pushed';
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    const head = await headAt(mirror, remote, ref, signal).catch(() => undefined);
    if (head === commit) return 'pushed';
    if (head !== undefined && head !== lease) return 'lease_refused';
    if (error.says(/remote rejected|hook declined|protected branch/i) && head !== undefined)
      throw new OutsideFailure(
        'The remote refused the branch (a protection rule or a hook); allow branches named countersign/* there.',
      );
    throw outside(error);
  }
};

export interface RemoteCheck {
  readonly direction: 'fetch' | 'push';
  readonly ok: boolean;
  /** For a person: what works, or what to do. */
  readonly sentence: string;
}

/** A branch that is named in a trial only. */
const TRIAL_BRANCH = 'countersign/preflight';

/** Whether the base can be fetched and a branch could be pushed; nothing is changed at the remote. */
export const checkRemote = async (mirror: Mirror, base: string): Promise<readonly RemoteCheck[]> => {
  const sentenceOf = (error: unknown): string =>
    error instanceof Error && !(error instanceof GitFailure) ? error.message : remoteSentence(error);
  let commit: ObjectId;
  try {
    ({ commit } = await mirror.resolveBranch(base));
  } catch (error) {
    return [{ direction: 'fetch', ok: false, sentence: sentenceOf(error) }];
  }
  const fetched: RemoteCheck = { direction: 'fetch', ok: true, sentence: `The branch ${base} can be fetched.` };
  try {
    const remote = await mirror.remote();
    const ref = branchRef(TRIAL_BRANCH);
    const request = { branch: TRIAL_BRANCH, commit, lease: await headAt(mirror, remote, ref) };
    await mirror.run(pushArgs(ref, request, remote, ['--dry-run']), { remote, timeoutMs: LOOK_TIMEOUT_MS });
    return [fetched, { direction: 'push', ok: true, sentence: 'Branches can be pushed (tried without changing anything).' }];
  } catch (error) {
    return [fetched, { direction: 'push', ok: false, sentence: sentenceOf(error) }];
  }
};
