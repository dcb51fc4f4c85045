import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withVariables } from '../../../src/infra/cli/setup/environment-file.ts';
import { exampleFile } from '../../../src/infra/config/example.ts';

const set = (text: string, values: Record<string, string>): string => withVariables(text, new Map(Object.entries(values)));

describe('Setting a variable in .env', () => {
  it('takes the place of its commented default, and leaves everything else alone', () => {
    const before = exampleFile();
    const after = set(before, { FORGE: 'github' });
    expect(after.replace('\nFORGE=github\n', '\n#FORGE=local\n')).toBe(before);
  });

  it('takes the place of an earlier value, the last one where there are several', () => {
    expect(set('FORGE=local\n# mine\nFORGE=x\nPORT=1\n', { FORGE: 'github' })).toBe(
      'FORGE=local\n# mine\nFORGE=github\nPORT=1\n',
    );
  });

  it('comes at the end of a file that does not know it, also of one without an end of line', () => {
    expect(set('', { PORT: '1' })).toBe('PORT=1\n');
    expect(set('HOST=a', { PORT: '1' })).toBe('HOST=a\nPORT=1\n');
  });

  it('reads back as what was set, whatever it is, or is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', 'VALUE=old\n', '# VALUE=\n'), (value, text) => {
        const written = (() => {
          try {
            return set(text, { VALUE: value });
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
            return undefined;
          }
        })();
        if (written !== undefined) expect(parseEnv(written).VALUE).toBe(value);
      }),
    );
    expect(parseEnv(set('', { A: 'codex "$OKD_INTENT" # now' })).A).toBe('codex "$OKD_INTENT" # now');
  });
});
