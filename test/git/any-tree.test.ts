import { chmodSync, lstatSync, rmSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isGitmodulesName, isGitName, rawPathOf } from '../../src/infra/git/raw-path.ts';
import { collected, createPlace, type Planted, REPOSITORY, write } from './support/repository.ts';

const FOLDERS = ['', 'd/', 'd/e/', 'ünï/'];
const TAKEN = new Set(['.', '..', 'd', 'e', 'ünï', '.gitignore']);

/** Any bytes that may stand in a name of a file. */
const name = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom('.gitattributes', '.gitmodules', 'a\r', '"', '\\', ' ', '-n', ':x', '*.c', 'a\tb')
      .map((text) => Buffer.from(text)),
  )
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0 && byte !== 0x2f)))
  .filter((bytes) => bytes.length > 0 && !TAKEN.has(bytes.toString()))
  .filter((bytes) => !isGitName(rawPathOf(bytes)) && !isGitmodulesName(rawPathOf(bytes)));

const content = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ maxLength: 200 }).map((text) => Buffer.from(text)),
  fc.constantFrom('* text eol=crlf ident\n', 'a\r\nb\r\n', 'a\nb', '$Id$\n', '\r', '\n\n').map((text) => Buffer.from(text)),
);

const file: fc.Arbitrary<Planted & { readonly path: Buffer; readonly content: Buffer }> = fc
  .record({ folder: fc.constantFrom(...FOLDERS), name, mode: fc.constantFrom('100644', '100755', '120000'), content })
  .map(({ folder, name: last, mode, content: bytes }) => ({
    path: Buffer.concat([Buffer.from(folder), last]),
    mode: bytes.length === 0 || bytes.includes(0) ? mode.replace('120000', '100644') : mode,
    content: bytes,
  }));

const files = fc.uniqueArray(file, { minLength: 1, maxLength: 25, selector: ({ path }) => path.toString('latin1') });
const edit = fc.constantFrom('keep', 'delete', 'change', 'mode', 'append');

/** Each run makes two repositories and some dozens of child processes. */
const RUNS = 12;

describe('Any tree', () => {
  it('comes back as it was, and any change of it can be made again from the patch alone', async () => {
    const script = fc.tuple(files, fc.array(edit, { minLength: 25, maxLength: 25 }), content);
    await fc.assert(
      fc.asyncProperty(script, async ([planted, edits, fresh]) => {
        const place = createPlace(planted);
        expect(await collected(place, () => undefined)).toMatchObject({ empty: true, tree: place.tree });
        const result = await collected(
          place,
          (folder) => {
            for (const [index, { path, content: bytes }] of planted.entries()) {
              const full = Buffer.concat([Buffer.from(`${folder}/`), path]);
              const what = edits[index];
              if (what === 'delete' || what === 'change') rmSync(full);
              if (what === 'change') write(folder, path, fresh);
              if (lstatSync(full, { throwIfNoEntry: false })?.isFile() !== true) continue;
              if (what === 'mode') chmodSync(full, 0o755);
              if (what === 'append') write(folder, path, Buffer.concat([bytes, fresh]));
            }
          },
          { patchBytesMax: 10_000_000 },
        );
        expect(result.change.refusedPaths).toEqual([]);
        const other = createPlace(planted);
        await other.repositories.ensureTree(REPOSITORY, result.tree, place.base, () =>
          Promise.resolve(result.patch ?? Buffer.alloc(0)),
        );
        expect(await other.repositories.resolveBase(REPOSITORY, 'main')).toMatchObject({ commit: place.base });
      }),
      { numRuns: RUNS },
    );
  });
});
