import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { edited, MUTANTS, TEMPO } from './staging/edits.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('An edit of the laboratory', () => {
  it.for(Object.entries({ 'the tempo': TEMPO, ...MUTANTS }))('finds what it replaces: %s', ([, edits]) => {
    for (const { file } of edits) {
      const source = readFileSync(join(ROOT, file), 'utf8');
      expect(edited(`/${file}`, source, edits)).not.toBe(source);
    }
  });
});
