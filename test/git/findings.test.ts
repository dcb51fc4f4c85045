import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collected, createPlace, write } from './support/repository.ts';

const SECRET = 'service/secret+value=42';
const FILES = [
  { path: 'a.txt', content: 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n' },
  { path: 'old.pem', content: '-----BEGIN PRIVATE KEY-----\n' },
] as const;

const place = () => createPlace(FILES, { serviceSecrets: () => [SECRET, '', 'short'] });

const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----';

describe('What is found in added lines', () => {
  it('carries the line in the new file, whatever the other lines look like', async () => {
    const { change } = await collected(place(), (folder) => {
      write(
        folder,
        'a.txt',
        [
          'one',
          '+++ b/forged',
          '@@ -1,9 +1,99 @@',
          'diff --git a/x b/x',
          'three',
          '-- x',
          '++ y',
          '\\ No newline',
          KEY,
          'six',
          'seven',
          KEY,
        ].join('\n'),
      );
      write(folder, 'z"quoted\n', `${KEY}\n`);
    });
    expect(change.findings.filter(({ kind }) => kind === 'private_key')).toEqual([
      { path: 'a.txt', kind: 'private_key', line: 9 },
      { path: 'a.txt', kind: 'private_key', line: 12 },
      { path: 'z"quoted\n', kind: 'private_key', line: 1 },
    ]);
  });

  it('belongs to the right file next to binary ones, deletions, modes and changes of type', async () => {
    const { change } = await collected(place(), (folder) => {
      rmSync(join(folder, 'a.txt'));
      symlinkSync(KEY, join(folder, 'a.txt'));
      rmSync(join(folder, 'old.pem'));
      write(folder, 'b.bin', Buffer.from(`\0diff --git a/x b/x\n${KEY}\n`));
      write(folder, 'c-empty', '');
      write(folder, 'd.txt', `x\n${KEY}`);
    });
    expect(change.findings).toEqual([
      { path: 'a.txt', kind: 'private_key', line: 1 },
      { path: 'd.txt', kind: 'private_key', line: 2 },
    ]);
  });

  it('is found on the last of many lines, across the turns that others get', async () => {
    const { change } = await collected(place(), (folder) => write(folder, 'many.txt', `${'x\n'.repeat(1_234)}${KEY}\n`));
    expect(change.findings).toEqual([{ path: 'many.txt', kind: 'private_key', line: 1_235 }]);
  });
});

describe('A secret of the service', () => {
  it.each([
    ['a line', `x\ntoken = ${SECRET}\n`, 2],
    ['base64', `x\n${Buffer.from(`user:${SECRET}`).toString('base64')}\n`, 2],
    ['a binary file', Buffer.concat([Buffer.from([0, 1]), Buffer.from(SECRET), Buffer.from([0])]), 0],
    ['UTF-16', Buffer.from(`x\n${SECRET}`, 'utf16le'), 0],
    ['a large binary file, on a seam', Buffer.concat([Buffer.alloc(65_530), Buffer.from(SECRET), Buffer.alloc(100_000)]), 0],
  ])('is found in %s, and the patch that holds it is not given on', async (_, content, line) => {
    const { change, patch, patchBytes } = await collected(place(), (folder) => write(folder, 'x.dat', content));
    expect(change.findings).toContainEqual({ path: 'x.dat', kind: 'service_secret', line });
    expect(patch).toBeNull();
    expect(patchBytes).toBeGreaterThan(0);
  });

  it('is found in the name of a file and in a link, and stands in nothing that is reported', async () => {
    const plain = 'service-secret-value-42';
    const result = await collected(createPlace(FILES, { serviceSecrets: () => [plain] }), (folder) => {
      write(folder, `${plain}.txt`, 'x\n');
      symlinkSync(plain, join(folder, 'link'));
      write(folder, `d/${plain}/.git/x`, 'x');
    });
    expect(result.change.findings.map(({ path, kind }) => [path, kind])).toEqual(
      expect.arrayContaining([
        ['[redacted].txt', 'service_secret'],
        ['link', 'service_secret'],
      ]),
    );
    expect(result.change.refusedPaths).toEqual([{ path: 'd/[redacted]/.git', what: 'git_folder' }]);
    expect(result.patch).toBeNull();
    expect(JSON.stringify(result)).not.toContain(plain);
  });

  it('is not seen where there is none', async () => {
    const { change, patch } = await collected(place(), (folder) => write(folder, 'x.txt', 'short words\n'));
    expect(change.findings).toEqual([]);
    expect(patch).not.toBeNull();
  });
});
