import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const BIOME = join(ROOT, 'node_modules/.bin/biome');

const LAYERS = ['domain', 'commands', 'projections', 'infra'] as const;
const MAY_TAKE: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  commands: ['domain'],
  projections: ['domain'],
  infra: ['domain', 'commands', 'projections'],
};

const directions = LAYERS.flatMap((layer) =>
  [...LAYERS.filter((other) => other !== layer), 'main'].map((taken) => ({
    layer,
    taken,
    file: `src/${layer}/takes-${taken}.ts`,
    target: taken === 'main' ? '../main.ts' : `../${taken}/b.ts`,
  })),
);

/** Every way to take something, a line each. */
const waysToTake = (target: string): string =>
  [
    `import { b } from '${target}';`,
    `import type { B } from '${target}';`,
    `export * from '${target}';`,
    `await import('${target}');`,
  ]
    .map((line) => `${line}\n`)
    .join('');

describe('The linter, as this project sets it up', () => {
  let folder: string;
  let said: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-lint-'));
    await cp(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
    for (const layer of LAYERS) await mkdir(join(folder, 'src', layer), { recursive: true });
    for (const { file, target } of directions) await writeFile(join(folder, file), waysToTake(target));
    const asked = ['lint', '--vcs-enabled=false', '--reporter=github', '--max-diagnostics=none'];
    said = (await execa(BIOME, asked, { cwd: folder, reject: false, all: true })).all;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(directions)('holds $layer to its direction when it takes $taken', ({ layer, taken, file }) => {
    const caught = said
      .split('\n')
      .filter((line) => line.includes('noRestrictedImports') && line.includes(file))
      .map((line) => Number(/,line=(\d+),/.exec(line)?.[1]));
    expect(caught.sort()).toEqual(MAY_TAKE[layer]?.includes(taken) ? [] : [1, 2, 3, 4]);
  });
});
