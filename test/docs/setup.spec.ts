import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addSetupCommand } from '../../src/infra/cli/setup/command.ts';

const page = readFileSync(new URL('../../docs/setup.md', import.meta.url), 'utf8');

describe('docs/setup.md', () => {
  it('names every flag', () => {
    const program = new Command();
    addSetupCommand(program, () => async () => {});
    const flags = program.commands.flatMap(({ options }) => options.map(({ long }) => long ?? ''));
    expect(flags.length).toBeGreaterThan(5);
    expect(flags.filter((flag) => !page.includes(`\`${flag}`))).toEqual([]);
  });

  it('counts the checks that it shows', () => {
    const [, shown = '', passed, warnings, failed] =
      /Everything, asked for real\n([^`]*?)\n {2}(\d+) passed, (\d+) warnings?, (\d+) failed/.exec(page) ?? [];
    const marks = ['PASS', 'WARN', 'FAIL'].map((mark) => shown.split(`  ${mark}  `).length - 1);
    expect(marks).toEqual([passed, warnings, failed].map(Number));
  });

  it('shows no secret', () => {
    expect(page).not.toMatch(/cst_\w{10}|\d{6,}:[\w-]{20}|start=\w/);
  });
});
