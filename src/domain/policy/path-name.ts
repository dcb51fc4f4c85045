/** Code points that file systems such as HFS+ drop from a name, and that nobody sees. */
const IGNORABLE = /\p{Default_Ignorable_Code_Point}|\p{Cf}/gu;

const ASCII = /^[\x20-\x7e]*$/;

/**
 * One spelling for all names that some file system takes for the same: NFKC, without case, without ignorable code points, `\` as a
 * separator. Only for comparing; the real name is the one in the tree.
 */
export const foldedPath = (path: string): string => {
  const folded = ASCII.test(path)
    ? path.toLowerCase()
    : path.normalize('NFKC').replace(IGNORABLE, '').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
  return folded.replaceAll('\\', '/'); // Last, for NFKC makes more of them.
};

/** Characters shown of a path; the tree may hold longer ones. */
const SHOWN_CHARACTERS_MAX = 400;

/** Controls, format characters and line separators as `\u{…}`, so that a name cannot forge the text around it. */
export const shownPath = (path: string): string => {
  const shown = path.replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return shown.length <= SHOWN_CHARACTERS_MAX ? shown : `${shown.slice(0, SHOWN_CHARACTERS_MAX).toWellFormed()}…`;
};

/** Git's own folder or `.gitmodules` in a spelling that NTFS or HFS+ takes for it. The exact `.gitmodules` is left to the blocked paths. */
export const isGitName = (foldedComponent: string): boolean => {
  const [name = ''] = foldedComponent.split(':');
  const trimmed = name.replace(/[. ]+$/, '');
  if (trimmed === '.git' || /^git~[0-9]+$/.test(trimmed)) return true;
  return /^(gitmod~[0-9]+|gi7eba~[0-9]+)$/.test(trimmed) || (trimmed === '.gitmodules' && foldedComponent !== '.gitmodules');
};

/** A name that leads out of the tree or that git itself would not check out: empty, `.` and `..` components, NUL, a drive letter. */
export const isTraversal = (foldedComponents: readonly string[]): boolean =>
  /^[a-z]:/.test(foldedComponents[0] ?? '') ||
  foldedComponents.some((component) => component === '' || component === '.' || component === '..' || component.includes('\0'));

/** Latin letters next to look-alikes of another alphabet in one component, or characters nobody sees. */
export const isDeceptive = (path: string): boolean =>
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path) ||
  path
    .split('/')
    .some((component) => /\p{Script=Latin}/u.test(component) && /[\p{Script=Cyrillic}\p{Script=Greek}]/u.test(component));
