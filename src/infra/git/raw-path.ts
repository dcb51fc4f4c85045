import { isUtf8 } from 'node:buffer';

/**
 * The bytes of a path, one character a byte (latin1): nothing is lost, and it serves as a key. Never shown; `shownPath` is for that.
 * `/`-separated, relative, without a leading or trailing slash.
 */
export type RawPath = string;

export const bytesOf = (path: RawPath): Buffer => Buffer.from(path, 'latin1');

export const rawPathOf = (bytes: Uint8Array): RawPath => Buffer.from(bytes).toString('latin1');

/** The longest character of UTF-8, in bytes. */
const CHARACTER_BYTES_MAX = 4;

/** Decoded as UTF-8, each byte that is not valid as `\xNN`. */
export const shownPath = (path: RawPath): string => {
  const bytes = bytesOf(path);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const shown: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = [1, 2, 3, CHARACTER_BYTES_MAX].find(
      (length) => isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length,
    );
    shown.push(size === undefined ? `\\x${bytes.toString('hex', at, at + 1)}` : bytes.toString('utf8', at, at + size));
    at += size ?? 1;
  }
  return shown.join('');
};

export const isUtf8Path = (path: RawPath): boolean => isUtf8(bytesOf(path));

/** A C-quoted name, as `--stdin-paths` reads it: every byte that is not plain ASCII as an octal escape. */
export const quoted = (path: RawPath): string =>
  `"${path.replaceAll(/[^ !#-[\]-~]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`)}"`;

/** What file systems ignore, fold or treat as the end of a name: `.GIT`, `.git.`, `git~1`, `.git::$INDEX_ALLOCATION`, `.g\u200cit`. */
const GIT_SPELLING = /(?:^|[\\/])(?:\.git|git~[0-9]+)[. ]*(?:$|[\\/:])/;
const GITMODULES_SPELLING = /(?:^|[\\/])(?:\.gitmodules|gitmod~[0-9]+|gi7[0-9a-f]*~[0-9]+)[. ]*(?:$|[\\/:])/;
const NOT_ASCII = /[^\0-\x7f]/;

const folded = (name: RawPath): string =>
  NOT_ASCII.test(name)
    ? bytesOf(name)
        .toString('utf8')
        .normalize('NFKC')
        .replaceAll(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
        .toLowerCase()
    : name.toLowerCase();

/** Whether some file system would take this name of one path component for `.git`. A superset of what git itself refuses. */
export const isGitName = (name: RawPath): boolean => GIT_SPELLING.test(folded(name));

/** Git refuses a link under this name in every spelling. */
export const isGitmodulesName = (name: RawPath): boolean => GITMODULES_SPELLING.test(folded(name));

/** Splits a stream into records that end with `separator`; a rest without one is a record too. Latin1: nothing is decoded. */
export const records = async function* (chunks: AsyncIterable<Buffer>, separator: '\0' | '\n'): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + chunk.toString('latin1')).split(separator);
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
};
