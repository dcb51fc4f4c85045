import { setImmediate } from 'node:timers/promises';
import { type AddedLine, scanAdded } from '../../domain/policy/scan.ts';
import type { LineFinding } from '../../domain/policy/shapes.ts';
import { secretForms } from '../../domain/secrets.ts';
import { piecesOfBlobs } from './blobs.ts';
import type { RawChange } from './changes.ts';
import type { Mirror } from './mirrors.ts';
import { paced, SLICE_MS } from './paced.ts';
import { bytesOf } from './raw-path.ts';

/** Lines that are looked at before everybody else gets a turn. */
const LINES_PER_TURN = 200;
const CHARACTERS_PER_TURN = 64 * 1024;
/** Bytes of a blob that are searched before the clock is looked at. */
const BYTES_PER_TURN = 64 * 1024;

const NEWLINE = 0x0a;
const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** One section of a patch: `number` counts the sections from 0. */
interface Added {
  readonly section: number;
  readonly line: AddedLine;
}

/**
 * The added lines of a patch that this service made. Hunk headers say how many lines follow, so no content is ever taken for a header;
 * names are not read at all: sections come in the order of the entries.
 */
const addedLines = function* (patch: Buffer): Generator<Added> {
  let section = -1;
  let oldLeft = 0;
  let newLeft = 0;
  let line = 0;
  for (let from = 0; from < patch.length; ) {
    const newline = patch.indexOf(NEWLINE, from);
    const to = newline === -1 ? patch.length : newline;
    const mark = String.fromCharCode(patch[from] ?? 0);
    if (oldLeft > 0 || newLeft > 0) {
      if (mark === '+') yield { section, line: { line, text: patch.toString('utf8', from + 1, to) } };
      if (mark === '+' || mark === ' ') {
        newLeft--;
        line++;
      }
      if (mark === '-' || mark === ' ') oldLeft--;
    } else if (mark === 'd' && patch.toString('latin1', from, Math.min(to, from + 11)) === 'diff --git ') section++;
    else if (mark === '@') {
      const [, old = '1', first = '0', fresh = '1'] = HUNK.exec(patch.toString('latin1', from, Math.min(to, from + 100))) ?? [];
      oldLeft = Number(old);
      newLeft = Number(fresh);
      line = Number(first);
    }
    from = to + 1;
  }
};

/** Paths in the order of the sections: a change of type is written as a deletion and an addition. */
const sectionPaths = (changes: readonly RawChange[]): string[] =>
  changes.flatMap(({ entry }) => (entry.kind === 'type_changed' ? [entry.path, entry.path] : [entry.path]));

const inPatch = async (patch: Buffer, changes: readonly RawChange[], secrets: readonly string[]): Promise<LineFinding[]> => {
  const paths = sectionPaths(changes);
  const findings: LineFinding[] = [];
  let batch: AddedLine[] = [];
  let characters = 0;
  let section = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0) findings.push(...scanAdded(paths[section] ?? '', batch, secrets));
    batch = [];
    characters = 0;
    await setImmediate();
  };
  for (const added of addedLines(patch)) {
    if (added.section !== section || batch.length >= LINES_PER_TURN || characters >= CHARACTERS_PER_TURN) await flush();
    section = added.section;
    batch.push(added.line);
    characters += added.line.text.length;
  }
  await flush();
  return findings;
};

/** Every usual way to write the secrets down, in UTF-8 and in UTF-16. */
const needlesOf = (secrets: readonly string[]): Buffer[] =>
  secrets.flatMap(secretForms).flatMap((form) => [Buffer.from(form), Buffer.from(form, 'utf16le')]);

/** Looks for the needles in bytes that come in pieces; a needle on a seam is found too. */
const createSearch = (needles: readonly Buffer[]): ((bytes: Buffer) => boolean) => {
  const overlap = Math.max(0, ...needles.map(({ length }) => length - 1));
  let tail = Buffer.alloc(0);
  return (bytes) => {
    const whole = Buffer.concat([tail, bytes]);
    tail = Buffer.from(whole.subarray(Math.max(0, whole.length - overlap)));
    return needles.some((needle) => whole.includes(needle));
  };
};

const isSearched = ({ entry }: RawChange): boolean => entry.newMode !== '000000' && entry.newMode !== '160000';

/** The service's own secrets in names and in whole new files, binary ones included. Line 0: it is not known. */
const secretsInBlobs = async (
  mirror: Mirror,
  changes: readonly RawChange[],
  secrets: readonly string[],
  signal?: AbortSignal,
): Promise<LineFinding[]> => {
  const needles = needlesOf(secrets);
  if (needles.length === 0) return [];
  const searched = changes.filter(isSearched);
  const found = new Set<RawChange>();
  await paced(searched, (change) => {
    const name = bytesOf(change.rawPath);
    if (needles.some((needle) => name.includes(needle))) found.add(change);
  });
  let since = performance.now();
  let current: RawChange | undefined;
  let isFound = createSearch(needles);
  for await (const { index, bytes } of piecesOfBlobs(
    mirror,
    searched.map(({ entry }) => entry.newId),
    signal,
  )) {
    const change = searched[index];
    if (change === undefined) continue;
    if (change !== current) isFound = createSearch(needles);
    current = change;
    for (let from = 0; from < bytes.length && !found.has(change); from += BYTES_PER_TURN) {
      if (isFound(bytes.subarray(from, from + BYTES_PER_TURN))) found.add(change);
      if (performance.now() - since < SLICE_MS) continue;
      await setImmediate();
      since = performance.now();
    }
  }
  return [...found].map(({ entry }) => ({ path: entry.path, kind: 'service_secret', line: 0 }));
};

/** Every usual way to write a secret down, replaced: a name that holds one is shown without it. */
export const createMask = (secrets: readonly string[]): ((text: string) => string) => {
  const forms = secrets.flatMap(secretForms).sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((masked, form) => masked.replaceAll(form, '[redacted]'), text);
};

/** What is worth a person's eye in what was added. A change whose patch is over the limit is not read: the limit refuses it. */
export const findingsIn = async (
  mirror: Mirror,
  changes: readonly RawChange[],
  patch: Buffer,
  secrets: readonly string[],
  signal?: AbortSignal,
): Promise<LineFinding[]> => {
  const found = await inPatch(patch, changes, secrets);
  const named = new Set(found.filter(({ kind }) => kind === 'service_secret').map(({ path }) => path));
  const inBlobs = await secretsInBlobs(mirror, changes, secrets, signal);
  return [...found, ...inBlobs.filter(({ path }) => !named.has(path))];
};
