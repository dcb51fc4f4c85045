import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collected, createPlace, type Planted, write } from './support/repository.ts';

const INVALID = Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x74]);

/** One of everything a tree may hold. */
const NASTY: readonly Planted[] = [
  {
    path: '.gitattributes',
    content: [
      '[attr]odd text eol=crlf ident',
      '* odd',
      '*.enc working-tree-encoding=UTF-16LE-BOM',
      '*.lfs filter=lfs diff=lfs merge=lfs -text',
      'secret/ export-ignore',
      '*.hid -diff',
      '*.subst export-subst',
      '*.bin binary',
      '',
    ].join('\n'),
  },
  { path: 'sub/.gitattributes', content: '* text=auto eol=crlf -ident\n' },
  { path: '.gitignore', content: '*.log\n/node_modules/\nbuild/*\n!build/keep.txt\n' },
  { path: 'ident.c', content: '/* $Id$ $Id: deadbeef $ */\n' },
  { path: 'crlf.txt', content: 'one\r\ntwo\r\n' },
  { path: 'mixed.txt', content: 'one\r\ntwo\nthree\rfour' },
  { path: 'no-newline', content: 'end' },
  { path: 'empty', content: '' },
  { path: 'utf16.enc', content: Buffer.from('\ufeffhallo\n', 'utf16le') },
  { path: 'plain.enc', content: 'not utf-16 at all\n' },
  { path: 'model.lfs', content: 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' },
  { path: 'secret/kept.txt', content: 'export-ignore drops this from an archive\n' },
  { path: 'x.subst', content: '$Format:%H$\n' },
  { path: 'x.hid', content: 'hidden from diff\n' },
  { path: 'x.bin', content: Buffer.from([0, 1, 2, 255, 13, 10]) },
  { path: 'run.sh', mode: '100755', content: '#!/bin/sh\n' },
  { path: 'link', mode: '120000', content: 'crlf.txt' },
  { path: 'link-out', mode: '120000', content: '/etc/passwd' },
  { path: 'link-odd', mode: '120000', content: Buffer.from([0x2e, 0x2e, 0x2f, 0xff, 0x0a]) },
  { path: 'link-folder', mode: '120000', content: 'sub' },
  { path: 'tracked.log', content: 'tracked although ignored\n' },
  { path: 'build/keep.txt', content: 'kept\n' },
  { path: 'build/out.js', content: 'tracked although ignored\n' },
  { path: 'node_modules/dep/index.js', content: 'tracked\n' },
  { path: 'module', mode: '160000', content: 'a'.repeat(40) },
  { path: 'deep/module', mode: '160000', content: 'b'.repeat(40) },
  { path: '.gitmodules', content: '[submodule "module"]\n\tpath = module\n\turl = ../x\n' },
  { path: 'line\nfeed', content: 'a\n' },
  { path: 'return\r', content: 'a\n' },
  { path: '"quoted"', content: 'a\n' },
  { path: 'back\\slash', content: 'a\n' },
  { path: 'tab\there', content: 'a\n' },
  { path: ' space ', content: 'a\n' },
  { path: ':(top)colon', content: 'a\n' },
  { path: '-dash', content: 'a\n' },
  { path: '--upload-pack=x', content: 'a\n' },
  { path: 'ünïcode/日本語.txt', content: 'a\n' },
  { path: 'u\u0308nfd', content: 'a\n' },
  { path: INVALID, content: 'a\n' },
  { path: Buffer.concat([Buffer.from('d/'), INVALID, Buffer.from('/'), INVALID]), content: 'a\n' },
  { path: '\u001b[31mred', content: 'a\n' },
  { path: '\u202etxt.exe', content: 'a\n' },
  { path: 'sub/.gitignore', content: 'local\n' },
  { path: 'a.b', content: '1' },
  { path: 'a/b', content: '2' },
  { path: 'a0', content: '3' },
  { path: `long/${'x'.repeat(250)}`, content: 'a\n' },
];

describe('A tree written out and read back', () => {
  it('is the same tree, whatever names, modes, attributes and line ends it holds', async () => {
    const place = createPlace(NASTY);
    const result = await collected(place, () => undefined);
    expect(result).toMatchObject({ tree: place.tree, empty: true, patchBytes: 0, ignored: { count: 0 } });
    expect(result.change).toMatchObject({ entries: [], refusedPaths: [], findings: [] });
  });

  it('has the very bytes of its blobs on the disk, and links as links', async () => {
    const place = createPlace(NASTY);
    await place.repositories.resolveBase('acme/widgets', 'main');
    const folder = join(place.root, 'out');
    await place.repositories.writeOut('acme/widgets', place.tree, folder);
    for (const { path, mode = '100644', content } of NASTY) {
      const full = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path)]);
      if (mode === '160000') expect(readdirSync(full)).toEqual([]);
      else if (mode === '120000') expect(readlinkSync(full, { encoding: 'buffer' })).toEqual(Buffer.from(content));
      else expect(readFileSync(full)).toEqual(Buffer.from(content));
      if (mode !== '160000' && mode !== '120000') expect((lstatSync(full).mode & 0o100) !== 0).toBe(mode === '100755');
    }
  });

  it('is made again from base and patch on a machine that never saw it', async () => {
    const place = createPlace(NASTY, {});
    const result = await collected(
      place,
      (folder) => {
        for (const [index, { path, mode = '100644', content }] of NASTY.entries()) {
          if (mode !== '100644' || path === '.gitignore') continue;
          const full = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path)]);
          if (index % 3 === 0) write(folder, path, Buffer.concat([Buffer.from(content), Buffer.from('more\r\nwithout end')]));
          if (index % 3 === 1) rmSync(full);
          if (index % 3 === 2) chmodSync(full, 0o755);
        }
        rmSync(join(folder, 'link'));
        write(folder, 'link', 'a file now\n');
        rmSync(join(folder, 'run.sh'));
        symlinkSync('elsewhere', join(folder, 'run.sh'));
        rmSync(join(folder, 'a.b'), { force: true });
        mkdirSync(join(folder, 'a.b'));
        write(folder, 'a.b/c', Buffer.from([0, 1, 2]));
        rmSync(join(folder, 'a'), { recursive: true });
        write(folder, 'a', 'a folder was here\n');
        write(folder, 'new empty', '');
        write(folder, Buffer.from([0xc3, 0x28]), 'invalid\n');
        renameSync(join(folder, 'secret'), join(folder, 'moved'));
      },
      { patchBytesMax: 10_000_000 },
    );
    expect(result.change.refusedPaths).toEqual([]);
    expect(result.change.entries.length).toBeGreaterThan(30);
    const other = createPlace(NASTY);
    expect(other.base).toBe(place.base);
    const { patch } = result;
    if (patch === null) throw new Error('no patch');
    let asked = 0;
    const stored = () => {
      asked++;
      return Promise.resolve(patch);
    };
    await other.repositories.ensureTree('acme/widgets', result.tree, place.base, stored);
    await other.repositories.ensureTree('acme/widgets', result.tree, place.base, stored);
    expect(asked).toBe(1);
    const folder = join(other.root, 'out');
    await other.repositories.writeOut('acme/widgets', result.tree, folder);
    expect(readFileSync(join(folder, 'moved', 'kept.txt'), 'utf8')).toContain('export-ignore');
    await expect(
      other.repositories.ensureTree('acme/widgets', place.tree.replace(/./g, '1'), place.base, stored),
    ).rejects.toThrow('another tree');
  });
});
