import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentProfileConfig } from '../../src/infra/agent/configuration.ts';
import { CODEX_KEY_VARIABLE, codexEgress, codexProfileFor } from '../support/codex.ts';
import { type ScriptedStep, startScriptedModel } from '../support/scripted-model.ts';
import { MODEL_KEY, openWorkbench, type Run } from './workbench.ts';

const FIXED: readonly ScriptedStep[] = [
  { run: "sed -i 's/a - b/a + b/' sum.js && git diff --stat" },
  { say: 'I fixed the sum.\nIt adds now.' },
];

const runCodex = async (
  script: readonly ScriptedStep[],
  request: Run = {},
  changes: Partial<AgentProfileConfig> = {},
  listed = true,
) => {
  await using bench = await openWorkbench({ 'sum.js': 'export const sum = (a, b) => a - b;\n' });
  const model = await startScriptedModel(script);
  const home = join(bench.root, 'home');
  await mkdir(join(home, '.codex', 'sessions'), { recursive: true });
  await writeFile(join(home, '.codex', 'auth.json'), JSON.stringify({ OPENAI_API_KEY: 'login-of-this-machine' }));
  await writeFile(join(home, '.codex', 'config.toml'), '[mcp_servers.x.env]\nTOKEN = "other-secret"\n');
  const agents = bench.agents(codexProfileFor(model, changes), {
    egressHosts: listed ? codexEgress(model) : [],
    environment: { PATH: process.env.PATH, HOME: home, [CODEX_KEY_VARIABLE]: MODEL_KEY },
  });
  const progress: string[] = [];
  try {
    const result = await bench.run(agents, { onProgress: (line) => progress.push(line), ...request });
    return { result, progress, model, home, sum: await readFile(join(bench.workFolder, 'sum.js'), 'utf8') };
  } finally {
    await model.close();
  }
};

describe('The real codex', () => {
  it('edits a file inside bubblewrap, reaching its model through the egress proxy alone', async () => {
    const { result, progress, model, sum } = await runCodex(FIXED);
    expect(result).toMatchObject({ outcome: 'finished', exitCode: 0 });
    expect(sum).toContain('a + b');
    expect(result.meta).toMatchObject({
      model: 'gpt-5.5',
      session: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tokens_in: '200',
      tokens_out: '20',
    });
    expect(progress[0]).toMatch(/^Running sed -i/);
    expect(result.egress.filter(({ allowed }) => allowed)).toEqual([{ host: `127.0.0.1:${model.port}`, allowed: true }]);
    expect(result.log.toString()).not.toContain(MODEL_KEY);
  });

  it.each(['--help', 'resume --last', '-', '-c model="x" "quoted" $(id)\n- a list\n'])(
    'is given the intent %j as a text',
    async (intent) => {
      const { result, model, sum } = await runCodex(FIXED, { intent });
      expect(result.outcome).toBe('finished');
      expect(sum).toContain('a + b');
      expect(model.prompts().at(-1)?.trim()).toBe(intent.trim());
    },
  );

  it('is given the feedback on the attempt before', async () => {
    const { model } = await runCodex(FIXED, { intent: 'Fix it', feedback: 'It still subtracts' });
    expect(model.prompts().at(-1)).toMatch(/^Fix it\n\n.*feedback.*\nIt still subtracts\n/);
  });

  it('failed when its model refuses, whatever it did before', async () => {
    const { result } = await runCodex([FIXED[0] ?? { say: '' }, { fail: { status: 401, message: `Bad key ${MODEL_KEY}` } }]);
    expect(result.outcome).toBe('failed');
    expect(result.sentence).toMatch(/^Codex reported: /);
    expect(result.sentence).not.toContain(MODEL_KEY);
  });

  it('failed when its model is not among the hosts it may reach', async () => {
    const { result, sum } = await runCodex(FIXED, {}, {}, false);
    expect(result.outcome).toBe('failed');
    expect(result.log.toString()).toContain('Hosts it asked for and may not reach');
    expect(sum).toContain('a - b');
  });

  it('is ended at its time limit', async () => {
    const { result } = await runCodex([{ run: 'sleep 60' }], { limits: { agentTimeoutMs: 3_000 } });
    expect(result.outcome).toBe('timed_out');
  });

  it.each([
    ['session', ['auth.json'], 'login-of-this-machine'],
    ['api', [], 'No such file'],
  ] as const)('finds in its home what signing in by %s needs and nothing else', async (authMode, files, printed) => {
    await using bench = await openWorkbench();
    const folder = join(bench.root, '.codex');
    await mkdir(folder);
    await writeFile(join(folder, 'auth.json'), JSON.stringify({ OPENAI_API_KEY: 'login-of-this-machine' }));
    await writeFile(join(folder, 'config.toml'), '# other-secret\n');
    await writeFile(join(folder, 'history.jsonl'), 'other-secret\n');

    const look =
      'ls ~/.codex | grep -E "json|toml" | tr "\\n" ,; cat ~/.codex/auth.json; grep -r other-secret ~ /opt/countersign/login';
    const { result, model } = await runCodex([{ run: look }, { say: 'Done.' }], {}, { authMode, loginPaths: [folder] });
    expect(result.outcome).toBe('finished');
    const found = model.toolResults()[0] ?? '';
    expect(found).toContain(printed);
    expect(found).not.toMatch(/^[^\n]*other-secret$/m);
    for (const file of files) expect(found).toContain(file);
  });
});
