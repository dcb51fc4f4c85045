import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenRules } from './architecture.ts';

const root = join(import.meta.dirname, '..');

const sources = globSync('{src,test}/**/*.{ts,mts,mjs}', { cwd: root, exclude: (path) => path.includes('node_modules') }).map(
  (path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }),
);

describe('The architecture', () => {
  it('holds', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(brokenRules(sources)).toEqual([]);
  });

  const line = (...words: readonly string[]): string => words.join('');

  it.each([
    ['domain takes commands', 'src/domain/a.ts', "import { b } from '../commands/b.ts';"],
    ['domain takes infra', 'src/domain/task/a.ts', "import type { B } from '../../infra/b.ts';"],
    ['domain takes a package', 'src/domain/a.ts', "import { execa } from 'execa';"],
    ['domain takes the disk', 'src/domain/a.ts', "import { readFileSync } from 'node:fs';"],
    ['domain takes something late', 'src/domain/a.ts', "const b = await import('../infra/b.ts');"],
    ['domain hands something on', 'src/domain/a.ts', "export * from '../infra/b.ts';"],
    ['domain takes something over lines', 'src/domain/a.ts', "import {\n  b,\n} from '../projections/b.ts';"],
    ['domain takes the clock', 'src/domain/a.ts', 'const at = Date.now();'],
    ['domain takes chance', 'src/domain/a.ts', 'const id = crypto.randomUUID();'],
    ['commands take infra', 'src/commands/a.ts', "import { createForge } from '../infra/forge/local.ts';"],
    ['commands take projections', 'src/commands/task/a.ts', "import { view } from '../../projections/view.ts';"],
    ['commands take the disk', 'src/commands/a.ts', "import { rm } from 'node:fs/promises';"],
    ['projections take commands', 'src/projections/a.ts', "import { b } from '../commands/b.ts';"],
    ['projections take infra', 'src/projections/a.ts', "import '../infra/b.ts';"],
    ['infra takes main', 'src/infra/a.ts', "import { start } from '../main.ts';"],
    ['the source takes tests', 'src/infra/a.ts', "import { b } from '../../test/b.ts';"],
    ['a fifth folder', 'src/web/a.ts', ''],
    ['an ending is missing', 'src/infra/a.ts', "import { b } from './b';"],
    ['a name in capitals', 'src/infra/taskView.ts', ''],
    ['a name that says nothing', 'src/infra/utils.ts', ''],
    ['a folder that says nothing', 'src/domain/common/a.ts', ''],
    ['a service', 'src/commands/task-service.ts', ''],
    ['a test that is left out', 'test/a.spec.ts', line('  it', '.skip("x", () => {});')],
    ['a test that is alone', 'test/a.test.ts', line('describe', '.only("x", () => {});')],
    ['a test that comes later', 'test/a.test.ts', line('it', '.concurrent.todo("x");')],
    ['a test that runs on a condition', 'test/a.test.ts', line('it', '.runIf(hasDocker)("x", () => {});')],
    ['a crossed-out test', 'test/a.spec.ts', line('x', 'it("x", () => {});')],
    ['any as a type', 'src/infra/a.ts', line('const a: ', 'any = 1;')],
    ['any as a way out', 'test/a.spec.ts', line('const a = b as ', 'any;')],
    ['any in a list', 'src/domain/a.ts', line('const a = new Map<string, ', 'any>();')],
    ['a silenced compiler', 'src/infra/a.ts', line('  // @ts', '-ignore')],
    ['a default export', 'src/infra/a.ts', 'export default 1;'],
    ['a class that is no error', 'src/infra/a.ts', 'export class Store {'],
    ['something to do', 'src/infra/a.ts', line('// TO', 'DO: later')],
    ['the whole environment', 'src/infra/a.ts', 'run({ env: { ...process.env } });'],
  ])('is seen to break when there is %s', (_, path, text) => {
    expect(brokenRules([{ path, text }])).not.toEqual([]);
  });

  it.each([
    ['src/domain/a.ts', "import { z } from 'zod';\nimport { Digest } from './canonical.ts';"],
    ['src/commands/a.ts', "import { task } from '../domain/task/index.ts';\nimport type { Forge } from './ports/forge.ts';"],
    ['src/infra/a.ts', "import { execa } from 'execa';\nimport { view } from '../projections/view.ts';"],
    ['src/main.ts', "import { createStore } from './infra/store/sqlite.ts';\nrun(process.env);"],
    ['src/infra/a.ts', "/** Takes any; import x from '../main.ts' */\nclass Full extends Error {"],
    ['test/a.spec.ts', "it('skips any line', () => {});\nit.each([1])('%s', () => {});"],
  ])('is not seen to break where it holds: %s', (path, text) => expect(brokenRules([{ path, text }])).toEqual([]));
});
