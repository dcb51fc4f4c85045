import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/infra/telegram/command-table.ts';

const page = readFileSync(new URL('../../docs/telegram.md', import.meta.url), 'utf8');

describe('docs/telegram.md', () => {
  it('has an example of every command', () => {
    const rows = Array.from(page.matchAll(/^\| (`\/[^|]+) \|/gm), ([, cell = '']) => cell).join(' ');
    expect(Object.keys(COMMANDS).filter((name) => !rows.includes(`\`/${name}\``))).toEqual([]);
  });
});
