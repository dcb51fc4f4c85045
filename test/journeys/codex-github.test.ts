import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Service } from '../../src/infra/cli/composition.ts';
import { serve } from '../../src/main.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { approve, type Client, clientOf, file, rerun } from '../support/client.ts';
import { CODEX_COMMAND, CODEX_MODEL, codexEnvironment } from '../support/codex.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { commitInto, git } from '../support/git-commands.ts';
import { type GitHub, type Pull, startGitHub } from '../support/github/index.ts';
import { type ScriptedModel, startScriptedModel } from '../support/scripted-model.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';

const MODEL_KEY = 'sk-journey-model-key-0123456789abcdef';

/** What the model has codex run: the repair at first, a remark below what is there when there is feedback. And a look around. */
const EDIT = `if test -z "$OKD_FEEDBACK"; then sed -i s/-/+/ sum.sh; else echo "# $OKD_FEEDBACK" >> sum.sh; fi
env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; cat sum.sh`;

const REPOSITORIES = ['story', 'taken', 'moved', 'lost-answer', 'bad-gateway', 'lost-push'] as const;

const seed = async (folder: string): Promise<void> => {
  await writeFile(join(folder, 'sum.sh'), 'echo $(($1 - $2))\n');
  await writeFile(join(folder, 'test.sh'), 'test "$(sh sum.sh 2 3)" = 5\n');
};

/** Everything in every file below a folder. */
const bytesBelow = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  return (await Promise.all(files.map((path) => readFile(path, 'latin1')))).join('\n');
};

describe('A change by the real codex, delivered to GitHub by the real gh', () => {
  let github: GitHub;
  let model: ScriptedModel;
  let workshop: Workshop;
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    const image = await ensureTestImage();
    model = await startScriptedModel([{ run: EDIT }, { say: 'Done.' }]);
    github = await startGitHub({ repositories: REPOSITORIES.map((name) => ({ owner: 'acme', name, seed })) });
    workshop = await openWorkshop();

    // What this process finds for its children: the CLIs, and a gh that knows the way to this GitHub.
    vi.stubEnv('PATH', `${dirname(CODEX_COMMAND)}:${process.env.PATH}`);
    vi.stubEnv('GH_CONFIG_DIR', github.ghEnvironment.GH_CONFIG_DIR ?? '');
    const configuration = workshop.configuration({
      REPO_SNAPSHOT_ROOT: join(workshop.folder, 'snapshots'),
      DEFAULT_REPO: 'acme/story',
      FORGE: 'github',
      GH_HOST: github.ghEnvironment.GH_HOST ?? '',
      GH_TOKEN: github.gitToken,
      SANDBOX: 'docker',
      SANDBOX_IMAGE: image,
      RUNNING_PER_REPOSITORY_MAX: '4',
      ...(await codexEnvironment(model, workshop.folder, MODEL_KEY)),
    });
    service = await serve(configuration);
    client = await clientOf(workshop.dataFolder);
    for (const name of REPOSITORIES) {
      const added = await client.call('POST', '/api/v1/repositories', { url: github.remoteUrl(`acme/${name}`) });
      expect(added.status, added.text).toBe(201);
    }
  });
  afterAll(async () => {
    await service?.stop();
    await github?.stop();
    await model?.close();
    await workshop?.remove();
    vi.unstubAllEnvs();
  });

  const ask = (name: (typeof REPOSITORIES)[number]): Promise<TaskView> =>
    file(client, 'Make the sum a sum.', { repo: `acme/${name}` });
  const delivered = async (asked: TaskView): Promise<TaskView> => {
    const done = await approve(client, asked);
    expect(done.status, done.sentence).toBe('COMPLETED');
    return done;
  };
  const bareOf = ({ repo }: TaskView): string => github.bare(repo);
  const pullOf = async ({ repo, pullRequest }: TaskView): Promise<Pull | undefined> =>
    (await github.pulls(repo)).find(({ number }) => number === pullRequest?.number);
  const parentsOf = async (task: TaskView): Promise<string[]> =>
    (await git(bareOf(task), ['show', '--no-patch', '--format=%P', task.pullRequest?.head ?? ''])).split(' ');

  const expectTreesEqual = async (task: TaskView): Promise<void> => {
    const { tested, allowed, delivered: pushed } = task.trees;
    expect(tested).toMatch(/^[0-9a-f]{40}$/);
    expect([allowed, pushed, await github.branchTree(task.repo, task.pullRequest?.branch ?? '')]).toEqual([
      tested,
      tested,
      tested,
    ]);
  };

  it('is made of parts that all answer', async () => {
    const health = z.object({ components: z.array(z.object({ name: z.string(), status: z.string(), sentence: z.string() })) });
    const { components } = health.parse((await client.call('GET', '/api/v1/health/details')).json());
    expect(components.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(components.map(({ sentence }) => sentence).join(' ')).toMatch(/codex-cli \d/);
  });

  describe('and made again with feedback', () => {
    let first: TaskView;
    let second: TaskView;

    it('is one Draft pull request with exactly the tested and allowed tree', async () => {
      first = await delivered(await ask('story'));
      await expectTreesEqual(first);
      expect(first.pullRequest).toMatchObject({ number: expect.any(Number), branch: first.branch, baseMovedBy: 0 });
      expect(await github.pulls(first.repo)).toHaveLength(1);
      expect(await pullOf(first)).toMatchObject({
        draft: true,
        state: 'open',
        base: { ref: 'main' },
        head: { ref: first.branch },
      });
      expect(await github.changedFiles(first.repo, first.pullRequest?.number ?? 0)).toEqual({ 'sum.sh': 'modified' });
      expect(await parentsOf(first)).toEqual([first.prepared?.baseCommit]);
      expect(first.prepared).toMatchObject({ agent: { name: 'codex', isolation: 'bubblewrap' }, image: { kind: 'docker' } });
      expect(first.runResult?.agentMeta).toMatchObject({ model: CODEX_MODEL, session: expect.any(String) });
    });

    it('moves the same pull request forward and comments once', async () => {
      const asked = await rerun(client, first, 'Say what it does');
      expect(asked.prepared).toMatchObject({ startFrom: 'last_attempt', startTree: first.trees.tested });
      second = await delivered(asked);
      await expectTreesEqual(second);
      expect(second.pullRequest).toMatchObject({ number: first.pullRequest?.number, branch: first.branch });
      expect(await parentsOf(second)).toEqual([first.pullRequest?.head]);
      expect(await git(bareOf(second), ['show', `${second.branch}:sum.sh`])).toBe('echo $(($1 + $2))\n# Say what it does');
      expect(model.prompts().at(-1)).toContain('Say what it does');

      expect(await github.pulls(second.repo)).toHaveLength(1);
      const comments = await github.comments(second.repo, second.pullRequest?.number ?? 0);
      expect(comments).toEqual([expect.stringContaining(`attempt ${second.attempt}`)]);
      expect(comments[0]).toContain('Say what it does');
    });

    it('takes the base in as a second parent when that moved on meanwhile', async () => {
      const base = await commitInto(bareOf(second), 'main', 'news\n', { path: 'news.txt' });
      const asked = await rerun(client, second, 'Keep up with main');
      expect(asked.prepared?.baseCommit).toBe(base);
      const before = second.pullRequest?.head;
      second = await delivered(asked);
      expect(await parentsOf(second)).toEqual([before, base]);
      await expectTreesEqual(second);
      expect(second.pullRequest?.number).toBe(first.pullRequest?.number);
      expect(await git(bareOf(second), ['show', `${second.branch}:news.txt`])).toBe('news');
    });

    it('goes to a branch of its own once the pull request was closed, and names it', async () => {
      const closed = first.pullRequest?.number ?? 0;
      await github.settle(first.repo, closed, 'closed');
      const third = await delivered(await rerun(client, first, 'Once more'));
      await expectTreesEqual(third);
      expect(third.pullRequest?.branch).toBe(`${first.branch}-${third.attempt}`);
      expect(third.pullRequest?.number).not.toBe(closed);
      expect((await pullOf(third))?.body).toContain(`Takes over from #${closed}`);
      expect(await parentsOf(third)).toEqual([third.prepared?.baseCommit]);
      expect(await github.branchTree(first.repo, first.branch)).toBe(second.trees.tested);
    });
  });

  it.concurrent('leaves alone what a person pushed to its branch', async () => {
    const first = await delivered(await ask('taken'));
    const theirs = await commitInto(bareOf(first), first.branch, 'mine\n', { from: first.branch });
    const second = await delivered(await rerun(client, first, 'Again'));
    await expectTreesEqual(second);
    expect(second.pullRequest?.branch).toBe(`${first.branch}-2`);
    expect((await pullOf(second))?.body).toContain(`Takes over from #${first.pullRequest?.number}`);
    expect(await git(bareOf(first), ['rev-parse', first.branch])).toBe(theirs);
    expect(await github.comments(first.repo, first.pullRequest?.number ?? 0)).toEqual([]);
  });

  it.concurrent('says by how much the base moved between the approval and the delivery', async () => {
    const asked = await ask('moved');
    await commitInto(bareOf(asked), 'main', '1\n');
    await commitInto(bareOf(asked), 'main', '2\n');
    const task = await delivered(asked);
    await expectTreesEqual(task);
    expect(task.pullRequest?.baseMovedBy).toBe(2);
    expect(await parentsOf(task)).toEqual([asked.prepared?.baseCommit]);
    expect((await pullOf(task))?.body).toMatch(/2 commits/);
  });

  it.concurrent.each([
    ['the answer to its opening was lost', 'lost-answer', /^POST \/repos\/acme\/lost-answer\/pulls$/, 'lost_answer'],
    ['GitHub was down for a moment', 'bad-gateway', /^POST \/repos\/acme\/bad-gateway\/pulls$/, 502],
    ['the answer to the push was lost', 'lost-push', /^POST \/acme\/lost-push\.git\/git-receive-pack$/, 'lost_answer'],
  ] as const)('is still one pull request when %s', async (_, name, pattern, fault) => {
    const asked = await ask(name);
    github.faults.failNext(pattern, fault);
    const task = await delivered(asked);
    await expectTreesEqual(task);
    const pulls = await github.pulls(task.repo);
    expect(pulls.map(({ number, draft, state }) => ({ number, draft, state }))).toEqual([
      { number: task.pullRequest?.number, draft: true, state: 'open' },
    ]);
    const branches = await git(bareOf(task), ['for-each-ref', '--format=%(refname:short)']);
    expect(branches.split('\n').sort()).toEqual([task.branch, 'main']);
  });

  it('shows no token to the agent, and leaves none in anything that is kept or sent', async () => {
    const seen = model.toolResults().join('\n');
    expect(seen).toContain('OKD_INTENT=Make the sum a sum.');
    expect(seen).not.toContain(github.gitToken);
    expect(seen).not.toContain(github.ghEnvironment.GH_CONFIG_DIR);

    const kept = await bytesBelow(workshop.folder);
    const sent = await Promise.all(
      REPOSITORIES.map(async (name) => [await github.pulls(`acme/${name}`), await bytesBelow(github.bare(`acme/${name}`))]),
    );
    const everything = `${kept}${JSON.stringify(sent)}`;
    expect(everything).toContain('Make the sum a sum.');
    for (const secret of [github.gitToken, MODEL_KEY]) expect(everything.includes(secret), secret).toBe(false);
  });
});
