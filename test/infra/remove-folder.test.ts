import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeFolder } from '../../src/infra/remove-folder.ts';

describe('Removing a folder', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'countersign-remove-'));
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  /** What an agent would do in the folder, in the words of Node. */
  const filled = async (script: string): Promise<string> => {
    const folder = join(parent, 'folder');
    await execa(
      process.execPath,
      ['-e', `const fs = require('fs'); fs.mkdirSync('folder'); process.chdir('folder'); ${script}`],
      {
        cwd: parent,
      },
    );
    return folder;
  };

  it('takes away folders that no path can name', async () => {
    const folder = await filled(
      "for (let depth = 0; depth < 600; depth++) { fs.mkdirSync('x'.repeat(20)); process.chdir('x'.repeat(20)); }",
    );
    await removeFolder(folder);
    expect(await readdir(parent)).toEqual([]);
  });

  it('takes away thousands of files, and a link in their midst but not what it points to', async () => {
    const folder = await filled(
      "fs.mkdirSync('../other'); for (let i = 0; i < 3000; i++) fs.writeFileSync('file-' + i, ''); fs.symlinkSync('../other', 'link');",
    );
    await removeFolder(folder);
    expect(await readdir(parent)).toEqual(['other']);
  });

  it('takes away folders that nobody can enter, without the power of root', async () => {
    const folder = await filled("fs.mkdirSync('a/b', { recursive: true }); fs.writeFileSync('a/b/c', ''); fs.chmodSync('a', 0);");
    const script = `import { removeFolder } from ${JSON.stringify(import.meta.resolve('../../src/infra/remove-folder.ts'))};
      await removeFolder(${JSON.stringify(folder)});`;
    const node = [process.execPath, '--input-type=module', '-e', script] as const;
    const ordinary = ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'];
    const [program = '', ...args] = process.getuid?.() === 0 ? [...ordinary, ...node] : node;
    await execa(program, args);
    expect(await readdir(parent)).toEqual([]);
  });

  it('leaves alone what a link points to, and is done when there is none', async () => {
    const folder = await filled(
      "fs.mkdirSync('../other'); fs.writeFileSync('../other/kept', ''); fs.symlinkSync('../other', 'link');",
    );
    await removeFolder(folder);
    await removeFolder(folder);
    expect(await readdir(join(parent, 'other'))).toEqual(['kept']);
  });
});
