import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { approve, file } from '../support/client.ts';
import { ensureNpmImage } from '../support/docker-image.ts';
import { openRegistry, type Registry } from '../support/registry.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

const TEST = "require('assert').equal(require('greeting')(require('./name')), 'Hello, world');\n";
const INSTALL = 'install: { run: npm ci --ignore-scripts, inputs: [package-lock.json, package.json], outputs: [node_modules] }\n';
const REPAIR = 'echo "module.exports = \'world\'" > name.js';

describe('A Node project with packages', () => {
  let registry: Registry;
  let here: ServiceHere;
  let open: ServiceHere;

  beforeAll(async () => {
    registry = await openRegistry();
    const project = { ...registry.project, 'test.js': TEST, 'name.js': "module.exports = 'moon'\n" };
    const below = Object.fromEntries(Object.entries(project).map(([name, text]) => [`packages/api/${name}`, text]));
    const [{ 'package-lock.json': _, ...unlocked }] = [project];
    const branches = {
      root: { ...project, '.countersign.yml': INSTALL },
      mono: { ...below, '.countersign.yml': `${INSTALL}path: packages/api\n` },
      unlocked: { ...unlocked, '.countersign.yml': INSTALL },
      vendored: { ...project, 'node_modules/x.js': '', '.countersign.yml': INSTALL },
      scripts: { ...project, '.countersign.yml': INSTALL.replace(' --ignore-scripts', '') },
    };
    const variables = {
      SANDBOX: 'docker',
      SANDBOX_IMAGE: await ensureNpmImage(),
      DEFAULT_TEST_COMMAND: 'node test.js',
      INSTALL_EGRESS: registry.host,
      PATCH_GATE: 'never',
    };
    here = await openService(variables, branches);
    open = await openService({ ...variables, INSTALL_FROM_CHANGED_INPUTS: 'allow' }, branches);
  });
  afterAll(async () => {
    await here?.close();
    await open?.close();
    await registry?.close();
  });

  const ask = (base_branch: string, intent: string, { client } = here): Promise<TaskView> =>
    file(client, intent, { base_branch });

  it('is tested with them from the first day, without a prepared image', async () => {
    const asked = await ask('root', REPAIR);
    expect(asked.prepared).toMatchObject({
      path: null,
      installCommand: {
        run: 'npm ci --ignore-scripts',
        inputs: ['package-lock.json', 'package.json'],
        outputs: ['node_modules'],
        hosts: [registry.host],
        fromChangedInputs: false,
      },
    });
    const done = await approve(here.client, asked);
    expect(done.status, done.sentence).toBe('COMPLETED');
    expect(done.runResult).toMatchObject({ testsResult: 'PASS', filesChanged: 1 });

    const requests = registry.asked.length;
    const again = await approve(here.client, await ask('root', `${REPAIR}; echo > more`));
    expect(again.status, again.sentence).toBe('COMPLETED');
    expect(registry.asked).toHaveLength(requests);
  });

  it('may be a sub-folder of a larger repository', async () => {
    const asked = await ask('mono', `cd packages/api && ${REPAIR}`);
    expect(asked.prepared?.path).toBe('packages/api');
    const done = await approve(here.client, asked);
    expect(done.status, done.sentence).toBe('COMPLETED');
    const gone = await approve(here.client, await ask('mono', 'rm packages/api/test.js'));
    expect(gone).toMatchObject({ status: 'FAILED', errorCode: 'TEST_FAILED' });
  });

  it.each([
    ['a manifest', 'echo >> package.json', 'touches package.json, which decides what is installed'],
    ['a lock file, by taking it away', 'rm package-lock.json', 'touches package-lock.json, which decides'],
    ['a lock file, by a link to it', 'mv package-lock.json x; ln -s x package-lock.json', null],
    [
      'the place of the packages',
      'mkdir node_modules; echo > node_modules/x',
      'adds node_modules, where installed packages stand',
    ],
  ])('is not tested with a change of %s', async (_, intent, sentence) => {
    const done = await approve(here.client, await ask('root', `${REPAIR}; ${intent}`));
    expect(done).toMatchObject({ status: 'FAILED', errorCode: 'POLICY_VIOLATION' });
    if (sentence !== null) expect(done.sentence).toContain(sentence);
  });

  it('is installed as the change says only where the operator allows it', async () => {
    const requests = registry.asked.length;
    const asked = await ask('root', `${REPAIR}; sed -i s/shop/store/ package.json package-lock.json`, open);
    expect(asked.prepared?.installCommand).toMatchObject({ fromChangedInputs: true });
    const done = await approve(open.client, asked);
    expect(done.status, done.sentence).toBe('COMPLETED');
    expect(registry.asked.length - requests).toBe(1);

    const torn = await approve(open.client, await ask('root', `${REPAIR}; sed -i s/greeting/other/ package.json`, open));
    expect(torn).toMatchObject({ status: 'FAILED', errorCode: 'SANDBOX_FAILED' });
    expect(torn.sentence).toMatch(/^The install command ended with exit code 1; .* registry.npmjs.org:443, which INSTALL_EGRESS/);
    expect((await open.client.call('GET', `/api/v1/tasks/${torn.taskId}/logs`)).text).toContain('E403');
    const gone = await approve(open.client, await ask('root', `${REPAIR}; rm package-lock.json`, open));
    expect(gone.sentence).toContain('leaves no regular file at package-lock.json');
  });

  it('waits for a person when its install step does not fit the base, or is not allowed', async () => {
    const faults = {
      unlocked: /names package-lock.json, which is no regular file/,
      vendored: /names node_modules, which is in the base/,
    };
    for (const [base, fault] of Object.entries(faults)) {
      expect(await ask(base, REPAIR)).toMatchObject({ status: 'WAIT_CLARIFY', sentence: expect.stringMatching(fault) });
    }
    const scripts = await ask('scripts', REPAIR);
    expect(scripts.sentence).toMatch(/not one the operator allows \("npm ci --ignore-scripts", .*ALLOWED_INSTALL_COMMANDS/);
  });
});
