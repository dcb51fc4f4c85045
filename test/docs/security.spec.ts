import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const textOf = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const page = textOf('docs/security.md');

interface Named {
  readonly file: string;
  readonly name: string;
}

const namedIn = (row: string): Named[] =>
  Array.from(row.matchAll(/`(test\/[^`]+\.ts)` “([^”]+)”/g), ([, file = '', name = '']) => ({ file, name }));

/** Of a row the first cell and the tests in the last one. */
const rows = Array.from(page.matchAll(/^\| (\d+|[A-Z]{2}\d+) \| .*$/gm), ([row, id = '']) => ({ id, tests: namedIn(row) }));

/** A title as it stands in the source: whole, in quotes of one kind. */
const isTitle = ({ file, name }: Named): boolean => {
  if (!existsSync(new URL(file, root))) return false;
  const source = textOf(file);
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${name}${quote}`));
};

describe('docs/security.md', () => {
  it('names tests that exist', () => {
    expect(namedIn(page).filter((named) => !isTitle(named))).toEqual([]);
  });

  it('has a row for every trap and every threat that blocks a release, each with a test', () => {
    const traps = Array.from({ length: 45 }, (_, index) => `${index + 1}`);
    const threats =
      'WB1 WB2 WB3 WB8 AG1 AG2 PT1 PT2 PT3 PT4 PT5 PT6 RP1 RP2 SB1 SB2 SB3 SB4 SB5 SB6 SB7 SE1 AU1 AU2 AP1 AP2 DL1 DO1 PE1 PE2 PE3 PE4 PE5 PE6 IN1 IN2 IN3 IN4 IN5 IN6 TG1 TG2 TG3 TG4 TG5 TG6 TG7 TG8';
    expect(rows.map(({ id }) => id)).toEqual([...traps, ...threats.split(' ')]);
    expect(rows.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });
});
