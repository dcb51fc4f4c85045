import { isGitName, isTraversal, shownPath } from './path-name.ts';
import { deletionsOf, insertionsOf, isBinary, perEntry, perFinding, type Rule } from './rule.ts';
import type { CollectedChange, PolicyItem } from './shapes.ts';

const ABSENT = '000000';
const SYMLINK = '120000';
const SUBMODULE = '160000';
const PLAIN_MODES: ReadonlySet<string> = new Set([ABSENT, '100644', '100755']);

const limit = (rule: string, amount: number, max: number, unit: string): PolicyItem[] => {
  if (amount <= max) return [];
  const most = max.toLocaleString('en');
  const sentence = `The change has ${amount.toLocaleString('en')} ${unit}; at most ${most} are allowed. Ask for a smaller change.`;
  return [{ rule, sentence }];
};

/** Entries looked at one by one. A change with more is refused for its size, whatever the policy says. */
export const ENTRIES_JUDGED_MAX = 10_000;

const tooManyFiles: Rule = ({ change, policy }) =>
  limit('too_many_files', change.entries.length, Math.min(policy.filesMax, ENTRIES_JUDGED_MAX), 'files');

const tooManyLines: Rule = ({ change, policy }) =>
  limit('too_many_lines', insertionsOf(change) + deletionsOf(change), policy.changedLinesMax, 'changed lines');

const patchTooLarge: Rule = ({ change, policy }) =>
  limit('patch_too_large', change.patchBytes, policy.patchBytesMax, 'bytes of patch');

const REFUSED: Record<CollectedChange['refusedPaths'][number]['what'], string> = {
  git_folder: 'A second ".git" stands here, which no change may bring along; remove it.',
  device: 'It is a device, which no repository can hold; remove it.',
  socket: 'It is a socket, which no repository can hold; remove it.',
  fifo: 'It is a named pipe, which no repository can hold; remove it.',
  unreadable: 'It cannot be read, or its name is too long; remove it or make it an ordinary file.',
  too_large: 'It is larger, deeper or more than a change may hold; remove what the change does not need.',
};

const refusedPath: Rule = ({ change }) =>
  change.refusedPaths.map(({ path, what }) => ({ rule: 'refused_path', path: shownPath(path), sentence: REFUSED[what] }));

const serviceSecret = perFinding(
  'service_secret',
  (lines) =>
    `A secret of this service stands in an added line${lines}; remove it, and replace the secret, for it is no longer one.`,
);

const privateKey = perFinding(
  'private_key',
  (lines) => `A private key stands in an added line${lines}; keys do not belong in a repository.`,
);

const gitName = perEntry(
  'git_name',
  ({ components }) =>
    components.some(isGitName) &&
    'Part of the name is ".git" or ".gitmodules" to some file systems; such a name is never delivered.',
);

const traversal = perEntry(
  'traversal',
  ({ components }) => isTraversal(components) && 'The name leads out of the repository; such a name is never delivered.',
);

const nameNotUtf8 = perEntry(
  'name_not_utf8',
  ({ pathIsUtf8 }) => !pathIsUtf8 && 'The name is not valid UTF-8, so nobody can read what would be delivered; rename the file.',
);

const blockedPath = perEntry('blocked_path', ({ components }, { blocked }) => {
  const glob = blocked.find(({ matches }) => matches(components));
  return glob !== undefined && `The policy blocks "${shownPath(glob.text)}", whatever is done to it; leave this path as it was.`;
});

const symlink = perEntry(
  'symlink',
  ({ oldMode, newMode }) =>
    (oldMode === SYMLINK || newMode === SYMLINK) &&
    'It is or was a symbolic link; links may stay as they are, but not be added, changed or removed.',
);

const submodule = perEntry(
  'submodule',
  ({ oldMode, newMode }) =>
    (oldMode === SUBMODULE || newMode === SUBMODULE) &&
    'It is or was a submodule; submodules may stay as they are, but not be added, moved or removed.',
);

const fileMode = perEntry('file_mode', ({ oldMode, newMode }) => {
  const odd = [oldMode, newMode].find((mode) => !PLAIN_MODES.has(mode) && mode !== SYMLINK && mode !== SUBMODULE);
  return odd !== undefined && 'Its file mode is neither 100644 nor 100755; only ordinary files are delivered.';
});

const binaryFile = perEntry(
  'binary_file',
  (entry, { policy }) =>
    policy.binaryFiles === 'block' && isBinary(entry) && 'It is a binary file, which nobody can review as text; leave it out.',
);

/** Each fails the task. The gravest first: a long list is cut at its end. */
export const VIOLATIONS: readonly Rule[] = [
  tooManyFiles,
  tooManyLines,
  patchTooLarge,
  serviceSecret,
  privateKey,
  gitName,
  traversal,
  nameNotUtf8,
  blockedPath,
  refusedPath,
  submodule,
  symlink,
  fileMode,
  binaryFile,
];
