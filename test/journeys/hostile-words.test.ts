import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createLocalForge } from '../../src/infra/forge/local.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { act, approve, file } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

const SECRET = 'ghp_hostilewordshostilewords01';

/** Writes down what it was told: as arguments, and as it came. */
const AGENT = 'echo {{intent}} > told; /bin/echo {{intent}} {{task_id}} > told-program; printf %s "$OKD_INTENT" > exact';

const HEADINGS = ['Request', 'Validation', 'Policy', 'Changed files', 'Approvals', 'Provenance'];

/** The lines of a page that are Markdown: whatever stands in blocks of code is left out. */
const markdownOf = (page: string): string => page.replaceAll(/^(`{3,})text\n.*?\n\1$/gms, '');

describe('Hostile words', () => {
  let here: ServiceHere;

  beforeAll(async () => {
    here = await openService({ AGENT_CLI_TEMPLATE: AGENT, DEFAULT_TEST_COMMAND: 'true', PATCH_GATE: 'never', GH_TOKEN: SECRET });
  });
  afterAll(() => here?.close());

  const shown = ({ branch }: TaskView, path: string): Promise<string> => git(here.workshop.origin, ['show', `${branch}:${path}`]);
  const pullRequestOf = ({ pullRequest }: TaskView) =>
    createLocalForge({ folder: join(here.workshop.dataFolder, 'forge') }).read(here.workshop.origin, pullRequest?.number ?? 0);
  const happened = (name: string): Promise<boolean> =>
    access(join(here.workshop.folder, name)).then(
      () => true,
      () => false,
    );

  describe('in a request', () => {
    it.concurrent.each([
      '--help',
      '-n -e \\x41',
      '$(touch x) `touch x` && touch x; touch x | touch x > x',
      "'; touch x; '",
      '"; touch x; "',
      '{{intent}} {{task_id}} $OKD_TASK_ID %s %n *',
      'two\nlines\r\n\tand a tab',
      '\u202etxet \u200bhidden\u{1f468}\u200d\u{1f469}',
    ])('are words to the agent: %j', async (intent) => {
      const task = await approve(here.client, await file(here.client, intent));
      expect(task.status, task.sentence).toBe('COMPLETED');
      expect(await shown(task, 'exact')).toBe(intent);
      expect((await shown(task, 'told-program')).trim()).toBe(`${intent} ${task.taskId}`);
      const changes = await git(here.workshop.origin, ['diff', '--name-only', 'main', task.branch]);
      expect(changes.split('\n')).toEqual(['exact', 'told', 'told-program']);
    });

    it.concurrent('are code in the pull request: they forge, mention, close and steer nothing', async () => {
      const intent = `Fix it, @team [skip ci]

## Validation

- Result: passed in 0.1 s

Closes #1, fixes GH-2 and acme/widgets#3. cc @team
\`\`\`
</details><!-- hidden --><script>alert(1)</script> [a link](javascript:alert) \u202egnihton\u200b
~~~
\`\`\`\`text
## Approvals
[no ci]`;
      const task = await approve(here.client, await file(here.client, intent));
      expect(task.status, task.sentence).toBe('COMPLETED');
      const { title, body, draft } = await pullRequestOf(task);
      expect(draft).toBe(true);
      expect(title).toBe('Fix it, @ team [ skip ci]');

      const markdown = markdownOf(body);
      expect(markdown.match(/^#.*$/gm)).toEqual(HEADINGS.map((heading) => `## ${heading}`));
      expect(markdown).not.toMatch(/Closes|team|script|hidden|javascript/);
      expect(markdown.match(/Result: /g)).toHaveLength(1);
      expect(body).not.toMatch(/#\d|GH-\d|@team|\[(skip|no) ci\]|\u202e|\u200b/);

      const message = await git(here.workshop.origin, ['log', '-1', '--format=%B%an%ae%cn%ce', task.branch]);
      expect(message).not.toMatch(/Fix it|Closes|team|ci\]/);
    });
  });

  describe('in the name of a base, a repository or an agent', () => {
    const BASES = [
      '--upload-pack=touch ran',
      '-x',
      '--help',
      'a..b',
      'a:b',
      '+main',
      'a b',
      'refs/heads/main\0',
      '../main',
      'HEAD',
      'a~1',
      '',
    ];
    const NAMES = ['.', '..', '-x', 'a/../../b', 'a/b/c', '/etc', 'acme/widgets\0', 'acme/.git', 'acme\\widgets', 'ACME/wïdgets'];

    const WISHES: readonly object[] = [
      ...BASES.map((base_branch) => ({ base_branch })),
      ...NAMES.map((repo) => ({ repo })),
      ...['--help', '../codex', 'a\nb', ''].map((agent) => ({ agent })),
      { test_command: 'true\0' },
      { base_branch: 7 },
      { constructor: 'x' },
    ];

    it.each(WISHES)('are refused at the door: %j', async (wish) => {
      const answer = await here.client.call('POST', '/api/v1/tasks', { intent: 'Fix it', ...wish });
      expect([answer.status, answer.json()]).toEqual([400, expect.objectContaining({ error_code: 'VALIDATION_ERROR' })]);
      expect(answer.text).not.toContain(here.workshop.folder);
    });

    it('are refused as an amendment too', async () => {
      const asked = await file(here.client, 'Fix it', { base_branch: 'nowhere' });
      expect(asked.status).toBe('WAIT_CLARIFY');
      for (const wish of [{ base_branch: BASES[0] }, { repo: 'a/../../b' }, { agent: '--help' }]) {
        const action = { action: 'clarify', ...wish };
        const { status } = await here.client.call('POST', `/api/v1/tasks/${asked.taskId}/actions`, action);
        expect(status).toBe(400);
      }
      expect(await act(here.client, asked, { action: 'cancel' })).toMatchObject({ errorCode: 'CANCELLED' });
      expect(await happened('ran')).toBe(false);
    });
  });

  it.each([
    ['a secret of the service', `Push with ${SECRET}`],
    ['what looks like a secret', `Use ghp_${'a1B2'.repeat(9)}`],
    ['a private key', `-----BEGIN ${'PRIVATE'} KEY-----\nMIIE`],
    ['nothing but spaces', ' \n\t '],
    ['NUL', 'a\0b'],
    ['more than is read', 'x'.repeat(8_001)],
  ])('are not stored when a request holds %s', async (_, intent) => {
    const before = await here.client.call('GET', '/api/v1/tasks?limit=100');
    const { status, text } = await here.client.call('POST', '/api/v1/tasks', { intent });
    expect([status, text]).toEqual([400, expect.stringContaining('VALIDATION_ERROR')]);
    expect(text).not.toContain(intent.trim() || 'nothing');
    const Tasks = z.object({ tasks: z.array(z.unknown()) });
    const after = await here.client.call('GET', '/api/v1/tasks?limit=100');
    expect(Tasks.parse(after.json()).tasks).toHaveLength(Tasks.parse(before.json()).tasks.length);
  });
});
