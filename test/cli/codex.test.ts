import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TaskAnswer } from '../../src/infra/cli/commands/task-documents.ts';
import { createLocalForge } from '../../src/infra/forge/local.ts';
import { CODEX_COMMAND, CODEX_MODEL, codexEnvironment } from '../support/codex.ts';
import { git } from '../support/git-commands.ts';
import { type ScriptedModel, startScriptedModel } from '../support/scripted-model.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { countersign } from './workbench.ts';

const INTENT = 'Make the sum a sum.';

describe('The real codex, on the local forge and with the command line alone', () => {
  let model: ScriptedModel;
  let workshop: Workshop;
  let service: ServiceProcess;

  beforeAll(async () => {
    model = await startScriptedModel([{ run: 'sed -i s/-/+/ sum.sh' }, { say: 'It adds now.' }]);
    workshop = await openWorkshop();
    const environment = workshop.environment({
      PATH: `${dirname(CODEX_COMMAND)}:${process.env.PATH}`,
      DEFAULT_REPO: 'acme/sums',
      ...(await codexEnvironment(model, workshop.folder, 'sk-command-line-model-key-0123456789')),
    });
    service = await startService(environment, null);
  });
  afterAll(async () => {
    await service?.end('SIGTERM');
    await model?.close();
    await workshop?.remove();
  });

  /** What a command printed that must succeed and complain of nothing. */
  const typed = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await countersign(args, { cwd: workshop.folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };

  it('brings a request to a Draft pull request with exactly the tested tree', async () => {
    await typed('repo', 'add', workshop.origin, '--name', 'acme/sums');
    const card = await typed('task', 'add', INTENT);
    expect(card).toContain('codex');
    const [, id = '', digest = ''] = /countersign task approve (\w{8}) (\w{8})/.exec(card) ?? [];
    const story = await typed('task', 'approve', id, digest, '--watch');
    expect(story).toMatch(/result = tested = allowed = delivered {2}[0-9a-f]{10}/);

    const { task } = TaskAnswer.parse(JSON.parse(await typed('task', 'show', id, '--json')));
    expect(task).toMatchObject({
      status: 'COMPLETED',
      prepared: { agent: { name: 'codex', isolation: 'bubblewrap' } },
      runResult: { testsResult: 'PASS', agentMeta: { model: CODEX_MODEL, session: expect.any(String) } },
    });
    expect(model.prompts().at(-1)?.trim()).toBe(INTENT);

    const { number = 0, branch = '', head } = task.pullRequest ?? {};
    const forge = createLocalForge({ folder: join(workshop.dataFolder, 'forge') });
    expect(await forge.read(workshop.origin, number)).toMatchObject({ state: 'open', draft: true, branch, base: 'main', head });
    expect(task.trees.tested).toMatch(/^[0-9a-f]{40}$/);
    expect(await git(workshop.origin, ['rev-parse', `${branch}^{tree}`])).toBe(task.trees.tested);
    expect(await git(workshop.origin, ['show', `${branch}:sum.sh`])).toBe('echo $(($1 + $2))');
    expect(await typed('audit', 'verify')).toContain('The audit holds.');
  });
});
