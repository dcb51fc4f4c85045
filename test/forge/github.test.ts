import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Forge, ForgeRefusal } from '../../src/commands/ports/forge.ts';
import { OutsideFailure } from '../../src/commands/ports/repositories.ts';
import { createGitHubForge, type GitHubForge } from '../../src/infra/forge/github.ts';
import { commitInto, git } from '../support/git-commands.ts';
import { type Fault, type GitHub, startGitHub } from '../support/github/index.ts';
import { describeForge } from './contract.ts';

const REPOSITORY = 'acme/widgets';
const seed = (folder: string) => writeFile(join(folder, 'README.md'), '# Widgets\n');

describeForge('GitHub through gh', async () => {
  const github = await startGitHub({ repositories: [{ owner: 'acme', name: 'widgets', seed }] });
  return {
    forge: createGitHubForge({ environment: github.ghEnvironment }),
    remote: github.remoteUrl(REPOSITORY),
    bare: github.bare(REPOSITORY),
    settle: (number, state) => github.settle(REPOSITORY, number, state),
    texts: async (number) => {
      const pull = (await github.pulls(REPOSITORY)).find((candidate) => candidate.number === number);
      return { title: pull?.title ?? '', body: pull?.body ?? '' };
    },
    comments: (number) => github.comments(REPOSITORY, number),
    stop: github.stop,
  };
});

describe('GitHub', () => {
  let github: GitHub;
  let forge: GitHubForge;
  let remote: string;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-gh-'));
    github = await startGitHub({
      repositories: [
        { owner: 'acme', name: 'widgets', seed },
        { owner: 'acme', name: 'gadgets.js', seed },
      ],
    });
    forge = createGitHubForge({ environment: github.ghEnvironment });
    remote = github.remoteUrl(REPOSITORY);
  });
  afterEach(() => github.faults.clear());
  afterAll(async () => {
    await github?.stop();
    await rm(folder, { recursive: true });
  });

  let branches = 0;
  const branch = async (): Promise<string> => {
    branches++;
    await commitInto(github.bare(REPOSITORY), `countersign/${branches}`, `change ${branches}\n`);
    return `countersign/${branches}`;
  };
  const draft = (on: string) => ({ remote, branch: on, base: 'main', title: 'A change', body: 'Why' });
  const numbers = async (on: string) =>
    (await github.pulls(REPOSITORY)).filter(({ head }) => head.ref === on).map(({ number }) => number);

  /** gh that leaves its command line and environment, as any process of the machine sees them, in `folder`, and then does its work. */
  const watchedGh = async (): Promise<{ ghPath: string; seen(): Promise<{ commandLines: string; environment: string }> }> => {
    const seen = await mkdtemp(join(folder, 'seen-'));
    const ghPath = join(seen, 'gh');
    await writeFile(
      ghPath,
      `#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/cmdline >> ${seen}/commands\ntr '\\0' '\\n' < /proc/$$/environ > ${seen}/environment\nexec gh "$@"\n`,
    );
    await chmod(ghPath, 0o755);
    return {
      ghPath,
      seen: async () => ({
        commandLines: await readFile(join(seen, 'commands'), 'utf8'),
        environment: await readFile(join(seen, 'environment'), 'utf8'),
      }),
    };
  };

  it('takes a push with the token as the password, refuses one without, and opens a draft for it', async () => {
    const work = join(folder, 'work');
    const askpass = join(folder, 'askpass');
    await writeFile(askpass, '#!/bin/sh\ncase "$1" in Username*) echo x-access-token ;; *) echo "$GIT_TOKEN" ;; esac\n');
    await chmod(askpass, 0o755);
    const env = { GIT_ASKPASS: askpass, GIT_TOKEN: github.gitToken };
    await git(folder, ['clone', '--quiet', remote, work], { env });
    await mkdir(join(work, 'src'));
    await writeFile(join(work, 'src', 'new.ts'), 'export {};\n');
    await writeFile(join(work, 'README.md'), '# Changed\n');
    await git(work, ['checkout', '--quiet', '-b', 'countersign/pushed']);
    await git(work, ['add', '--all']);
    await git(work, ['commit', '--quiet', '--message', 'Change']);
    const push = ['push', '--quiet', '--force-with-lease=countersign/pushed:', 'origin', 'HEAD:refs/heads/countersign/pushed'];
    await expect(git(work, push, { env: { ...env, GIT_TOKEN: 'wrong' } })).rejects.toThrow();
    expect(await github.branchTree(REPOSITORY, 'countersign/pushed')).toBeNull();
    await git(work, push, { env });
    expect(await github.branchTree(REPOSITORY, 'countersign/pushed')).toBe(await git(work, ['rev-parse', 'HEAD^{tree}']));

    const opened = await forge.openDraft(draft('countersign/pushed'));
    expect(opened).toMatchObject({ draft: true, head: await git(work, ['rev-parse', 'HEAD']) });
    expect(await github.changedFiles(REPOSITORY, opened.number)).toEqual({ 'README.md': 'modified', 'src/new.ts': 'added' });
  });

  it('loses the answer of a push after its effect, when told to', async () => {
    const work = join(folder, 'lossy');
    const login = `Authorization: Basic ${Buffer.from(`x:${github.gitToken}`).toString('base64')}`;
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.extraHeader', GIT_CONFIG_VALUE_0: login };
    await git(folder, ['clone', '--quiet', remote, work], { env });
    await git(work, ['commit', '--quiet', '--allow-empty', '--message', 'Change']);
    const push = ['push', '--quiet', 'origin', 'HEAD:refs/heads/countersign/lossy'];
    github.faults.failNext(/^POST .*git-receive-pack$/, 'lost_answer');
    await expect(git(work, push, { env })).rejects.toThrow();
    expect(await github.branchTree(REPOSITORY, 'countersign/lossy')).not.toBeNull();
  });

  describe('with something wrong', () => {
    const GET_PULLS = /^GET \/repos\/acme\/widgets\/pulls\?/;
    const POST_PULLS = /^POST \/repos\/acme\/widgets\/pulls$/;
    const secondary = {
      status: 403,
      headers: { 'retry-after': '60' },
      body: { message: 'You have exceeded a secondary rate limit.' },
    };
    const passing: readonly (readonly [string, Fault])[] = [
      ['a server error', 500],
      ['a bad gateway', { status: 502, body: '<html>' }],
      ['an unavailable service', 503],
      ['too many requests', 429],
      [
        'a used up rate limit',
        { status: 403, headers: { 'x-ratelimit-remaining': '0' }, body: { message: 'API rate limit exceeded' } },
      ],
      ['a secondary rate limit', secondary],
      ['a broken connection', 'reset'],
      ['an answer that is none', { status: 200, body: 'a login page of a proxy' }],
    ];

    it.each(passing)('is asked again later after %s', async (_, fault) => {
      const on = await branch();
      github.faults.failNext(GET_PULLS, fault);
      await expect(forge.findPullRequest(remote, on)).rejects.toThrow(OutsideFailure);
      github.faults.failNext(POST_PULLS, fault);
      await expect(forge.openDraft(draft(on))).rejects.toThrow(OutsideFailure);
      expect(await numbers(on)).toEqual([]);
      expect((await forge.openDraft(draft(on))).draft).toBe(true);
    });

    it('opened one pull request when the answer was lost and it is tried again', async () => {
      const on = await branch();
      github.faults.failNext(POST_PULLS, 'lost_answer');
      await expect(forge.openDraft(draft(on))).rejects.toThrow(OutsideFailure);
      const found = await forge.findPullRequest(remote, on);
      expect(found).toMatchObject({ state: 'open', draft: true });
      expect(await forge.openDraft(draft(on))).toEqual(found);
      expect(await numbers(on)).toEqual([found?.number]);
    });

    it('comments once when the answer was lost and it is tried again', async () => {
      const { number } = await forge.openDraft(draft(await branch()));
      github.faults.failNext(/^POST .*\/comments$/, 'lost_answer');
      await expect(forge.commentOnce(remote, number, '<!-- m -->', '<!-- m --> once')).rejects.toThrow(OutsideFailure);
      await forge.commentOnce(remote, number, '<!-- m -->', '<!-- m --> once');
      expect(await github.comments(REPOSITORY, number)).toEqual(['<!-- m --> once']);
    });

    it('waits no longer than its limit for an answer', async () => {
      github.faults.failNext(GET_PULLS, { delayMs: 5_000 });
      const impatient = createGitHubForge({ environment: github.ghEnvironment, timeoutMs: 300 });
      const before = performance.now();
      await expect(impatient.findPullRequest(remote, 'x')).rejects.toThrow(OutsideFailure);
      expect(performance.now() - before).toBeLessThan(4_000);
    });

    it('says that it looks again when a pull request exists and is not listed yet', async () => {
      const on = await branch();
      await forge.openDraft(draft(on));
      github.faults.failNext(GET_PULLS, { status: 200, body: [] });
      await expect(forge.openDraft(draft(on))).rejects.toThrow(OutsideFailure);
    });

    const refused: readonly (readonly [string, Fault, RegExp])[] = [
      ['a refused login', 401, /GH_TOKEN/],
      [
        'a missing permission',
        { status: 403, body: { message: 'Resource not accessible by personal access token' } },
        /not accessible.*write access/,
      ],
      ['a hidden repository', 404, /rights of the token/],
      [
        'a repository without drafts',
        { status: 422, body: { message: 'Draft pull requests are not supported in this repository.' } },
        /does not support draft pull requests, and nothing else is opened/,
      ],
      [
        'a validation error',
        {
          status: 422,
          body: { message: 'Validation Failed', errors: [{ code: 'custom', message: 'A\u202e\n@b' }, { code: 'x' }] },
        },
        /"Validation Failed; A\\u\{202e\}\\u\{a\}\\u\{40\}b"/,
      ],
      ['a repository that has moved', 307, /new URL/],
      ['a repository that is gone', { status: 451, body: null }, /HTTP 451/],
    ];

    it.each(refused)('refuses with a sentence after %s', async (_, fault, sentence) => {
      const on = await branch();
      github.faults.failNext(POST_PULLS, fault);
      const opening = forge.openDraft(draft(on));
      await expect(opening).rejects.toThrow(ForgeRefusal);
      await expect(opening).rejects.toThrow(sentence);
      expect(await numbers(on)).toEqual([]);
    });

    it('closes again what was not made a draft, and names it', async () => {
      const on = await branch();
      const opened = await forge.openDraft(draft(on));
      const plain = (await github.pulls(REPOSITORY)).find(({ number }) => number === opened.number);
      const { draft: _, ...withoutDrafts } = plain ?? {};
      github.faults.failNext(POST_PULLS, { status: 201, body: withoutDrafts });
      await expect(forge.openDraft(draft(await branch()))).rejects.toThrow(
        `GitHub opened ${opened.url} without making it a draft, so it was closed`,
      );
      expect(await forge.findPullRequest(remote, on)).toMatchObject({ state: 'closed' });
    });

    it('is not taken in by a pull request from a fork of the same owner', async () => {
      const on = await branch();
      await forge.openDraft(draft(on));
      const [pull] = (await github.pulls(REPOSITORY)).filter(({ head }) => head.ref === on);
      const fork = { ...pull, head: { ...pull?.head, repo: { id: 4711 } } };
      const gone = { ...pull, head: { ...pull?.head, repo: null } };
      github.faults.failNext(GET_PULLS, { status: 200, body: [fork, gone] });
      expect(await forge.findPullRequest(remote, on)).toBeNull();
    });
  });

  it('looks for the marker on every page of comments', async () => {
    const { number } = await forge.openDraft(draft(await branch()));
    await forge.commentOnce(remote, number, '<!-- late -->', 'late <!-- late -->');
    const page = Array.from({ length: 100 }, (_, index) => ({ id: index, body: index === 0 ? null : `${index}` }));
    github.faults.failNext(/comments\?per_page=100&page=[12]$/, { status: 200, body: page }, 2);
    github.faults.failNext(/comments\?per_page=100&page=3$/, { status: 200, body: [{ id: 1, body: 'late <!-- late -->' }] });
    await forge.commentOnce(remote, number, '<!-- late -->', 'late <!-- late -->');
    expect(await github.comments(REPOSITORY, number)).toHaveLength(1);
  });

  describe('and its token', () => {
    it('reaches gh by the environment, with nothing else of the service, and never by a command line', async () => {
      const { ghPath, seen } = await watchedGh();
      const environment = {
        ...github.ghEnvironment,
        TELEGRAM_BOT_TOKEN: 'telegram-secret',
        GH_DEBUG: 'api',
        GIT_DIR: '/x',
        NODE_OPTIONS: '--inspect',
      };
      const watched = createGitHubForge({ ghPath, environment });
      const { number } = await watched.openDraft(draft(await branch()));
      await watched.findPullRequest(remote, 'x');
      await watched.commentOnce(remote, number, 'm', 'secret words of a comment');
      expect(await watched.probe(remote)).toHaveLength(2);
      expect(await watched.token(new URL(remote).host)).toBe(github.gitToken);

      const { commandLines, environment: received } = await seen();
      expect(commandLines).toContain('repos/acme/widgets/pulls');
      expect(commandLines).not.toContain(github.gitToken);
      expect(commandLines).not.toMatch(/A change|secret words/);
      expect(received).toContain(`GH_ENTERPRISE_TOKEN=${github.gitToken}`);
      expect(received).not.toMatch(/telegram-secret|GH_DEBUG|GIT_DIR|NODE_OPTIONS/);
    });

    it('stands in no error, whatever fails', async () => {
      const errors: unknown[] = [];
      const failing = async (with_: Forge, fault: Fault): Promise<void> => {
        github.faults.failNext(/./, fault);
        await with_.openDraft(draft('countersign/none')).catch((error: unknown) => errors.push(error));
      };
      for (const fault of [
        401,
        403,
        404,
        422,
        500,
        'reset',
        { status: 422, body: { message: 'x'.repeat(100_000) } },
      ] satisfies Fault[]) {
        await failing(forge, fault);
      }
      await failing(createGitHubForge({ environment: github.ghEnvironment, ghPath: '/no/such/gh' }), 500);
      await failing(
        createGitHubForge({ environment: { ...github.ghEnvironment, GH_CONFIG_DIR: folder }, timeoutMs: 20_000 }),
        500,
      );
      expect(errors).toHaveLength(9);
      for (const error of errors) {
        expect(error instanceof ForgeRefusal || error instanceof OutsideFailure).toBe(true);
        const everything = `${error}${(error as Error).stack}${JSON.stringify(error, Object.getOwnPropertyNames(error))}${(error as Error).cause}`;
        expect(everything).not.toContain(github.gitToken);
        expect(String(error)).not.toContain(folder);
        expect(String(error).length).toBeLessThan(600);
      }
    });

    it('belongs to one host, and is none without a login', async () => {
      expect(await forge.token('github.com')).toBeUndefined();
      const { GH_ENTERPRISE_TOKEN: _, ...anonymous } = github.ghEnvironment;
      const without = createGitHubForge({ environment: anonymous });
      expect(await without.token(new URL(remote).host)).toBeUndefined();
      await expect(without.findPullRequest(remote, 'x')).rejects.toThrow(/GH_TOKEN.*gh auth login/);
    });
  });

  describe('asked by the preflight', () => {
    const statuses = async (of: GitHubForge = forge, at = remote) =>
      (await of.probe(at)).map(({ name, status }) => `${name} ${status}`);

    it('names the login and says that it may push', async () => {
      expect(await forge.probe(remote)).toEqual([
        { name: 'login', status: 'pass', sentence: `gh is logged in at ${new URL(remote).host} as ada.` },
        { name: 'repository', status: 'pass', sentence: 'The login may push to acme/widgets and open pull requests.' },
      ]);
    });

    it('says what is missing', async () => {
      const repository = { private: true, archived: false, permissions: { push: true } };
      const answers: readonly (readonly [RegExp, Fault, string[]])[] = [
        [/^GET \/user$/, 401, ['login fail', 'repository pass']],
        [/^GET \/user$/, 'reset', ['login fail', 'repository pass']],
        [
          /^GET \/user$/,
          { status: 403, body: { message: 'Resource not accessible by integration' } },
          ['login pass', 'repository pass'],
        ],
        [
          /^GET \/user$/,
          { status: 200, headers: { 'x-oauth-scopes': 'gist, public_repo' }, body: { login: 'ada' } },
          ['login warn', 'repository pass'],
        ],
        [
          /^GET \/user$/,
          { status: 200, headers: { 'x-oauth-scopes': 'gist' }, body: { login: 'ada' } },
          ['login fail', 'repository pass'],
        ],
        [/^GET \/user$/, { status: 200, body: { login: 'ada' } }, ['login pass', 'repository pass']],
        [/^GET \/repos/, 404, ['login pass', 'repository fail']],
        [/^GET \/repos/, { status: 200, body: { ...repository, archived: true } }, ['login pass', 'repository fail']],
        [
          /^GET \/repos/,
          { status: 200, body: { ...repository, permissions: { push: false } } },
          ['login pass', 'repository fail'],
        ],
        [/^GET \/repos/, { status: 200, body: repository }, ['login pass', 'repository pass']],
      ];
      for (const [pattern, fault, expected] of answers) {
        github.faults.failNext(pattern, fault);
        expect(await statuses()).toEqual(expected);
      }
      expect(await statuses(forge, 'https://github.com/acme/widgets')).toEqual(['login pass', 'repository fail']);
      expect(await statuses(createGitHubForge({ environment: github.ghEnvironment, ghPath: 'no-such-gh' }))).toEqual([
        'login fail',
        'repository fail',
      ]);
    });
  });
});
