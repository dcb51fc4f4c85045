import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODEX_KEY_VARIABLE, codexEgress, codexProfileFor } from '../support/codex.ts';
import { startScriptedModel } from '../support/scripted-model.ts';
import { MODEL_KEY, openWorkbench } from './workbench.ts';

describe('The real codex', () => {
  it('edits a file inside bubblewrap through the egress proxy', async () => {
    await using bench = await openWorkbench({ 'sum.js': 'export const sum = (a, b) => a - b;\n' });
    const model = await startScriptedModel([
      { run: "sed -i 's/a - b/a + b/' sum.js && git diff --stat" },
      { say: 'I fixed the sum.' },
    ]);
    const progress: string[] = [];
    const agents = bench.agents(codexProfileFor(model), {
      egressHosts: codexEgress(model),
      environment: { PATH: process.env.PATH, [CODEX_KEY_VARIABLE]: MODEL_KEY },
    });
    const result = await bench.run(agents, { intent: '--help is broken', onProgress: (line) => progress.push(line) });
    await model.close();

    expect(result.outcome).toBe('finished');
    expect(await readFile(join(bench.workFolder, 'sum.js'), 'utf8')).toContain('a + b');
  });
});
