import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { edited, TEMPO } from '../chaos/staging/edits.ts';
import { editsOf } from './edits.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('An edit of the soak', () => {
  const edits = editsOf({ beganMs: 0, speed: 100 });

  it.for(edits)('finds what it replaces in $file: $from', ({ file, from }) => {
    // Some files are made anew by the staging of the laboratory.
    const made = textOf('test/chaos/staging/stage.ts');
    const source = edited(`/${file}`, textOf(file), TEMPO);
    expect([source, made].filter((text) => text.split(from).length === 2)).toHaveLength(1);
  });
});
