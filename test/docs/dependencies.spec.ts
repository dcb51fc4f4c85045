import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const Package = z.object({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const packageOf = (path: string) => Package.parse(JSON.parse(textOf(path)));

/** Name and version of each row that has an exact one; what was not taken has none. */
const listed = Array.from(
  textOf('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (\d+\.\d+\.\d+) \| .+ \|$/gm),
  ([, name, version]) => [name, version],
);

describe('docs/dependencies.md', () => {
  it('lists exactly the packages of package.json and test/agents, with their versions', () => {
    const { dependencies, devDependencies, optionalDependencies } = packageOf('package.json');
    const agents = packageOf('test/agents/package.json').dependencies;
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...agents });
    expect(listed.toSorted()).toEqual(all.toSorted());
  });
});
