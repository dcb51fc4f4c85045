import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CALL_ERROR_CODES, TASK_ERROR_CODES } from '../../src/domain/refusals.ts';
import { ClarifyReason } from '../../src/domain/task/shapes.ts';
import { parseRepositoryFile } from '../../src/infra/config/repository-file.ts';
import { withVariableTable } from './variable-table.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

describe('docs/operations.md', () => {
  it('has the table of variables as the code has it; if not, run: npm run docs', () => {
    expect(page).toBe(withVariableTable(page));
  });

  it('shows a .countersign.yml that is one', () => {
    const [, example = ''] = /```yaml\n([^`]+)```/.exec(page) ?? [];
    expect(parseRepositoryFile(Buffer.from(example), 'countersign')).toHaveProperty('config.policy.patchGate', 'always');
  });

  it('says for every error code and every reason to clarify what to do', () => {
    const codes = [...TASK_ERROR_CODES, ...CALL_ERROR_CODES, ...ClarifyReason.options];
    const explained = new Set(Array.from(page.matchAll(/^\| `([A-Z_]+)` \| [^|]+ \| [^|]+ \|$/gm), ([, code]) => code));
    expect(codes.filter((code) => !explained.has(code))).toEqual([]);
  });
});
