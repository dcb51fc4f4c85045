import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addEveryCommand } from '../../src/infra/cli/every-command.ts';

const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('README.md', () => {
  it('leads to one’s own repository in five steps', () => {
    const [, steps = ''] = /\n## Your own repository in five steps\n([\s\S]*?)\n## /.exec(page) ?? [];
    expect(Array.from(steps.matchAll(/^(\d+)\. \*\*/gm), ([, number]) => number)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('shows commands that can be typed', async () => {
    const lines = Array.from(page.matchAll(/`bin\/countersign (\w[^`]*)`/g), ([, line = '']) =>
      line.split(/ (?=(?:[^"]*"[^"]*")*[^"]*$)/),
    );
    expect(lines.length).toBeGreaterThan(3);
    for (const words of lines) {
      const program = new Command().exitOverride();
      addEveryCommand(program, () => async () => {});
      await program.parseAsync(words, { from: 'user' });
    }
  });
});
