import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createRepositories, type GitRepositories } from '../../src/infra/git/repositories.ts';
import { addRepository, removeRepository } from '../../src/infra/git/snapshots.ts';
import { processesWith } from '../recovery/remains.ts';
import { answerGit } from '../support/github/git-http.ts';
import {
  collected,
  createPlace,
  git,
  plantCommit,
  plantSnapshot,
  plantTree,
  REPOSITORY,
  temporaryFolder,
  write,
} from './support/repository.ts';

const FILES = [{ path: 'a.txt', content: 'one\n' }] as const;
const BRANCH = 'countersign/0123456789ab';
const AT = '2026-05-01T10:20:30.456Z';

const delivered = async (content = 'changed\n') => {
  const place = createPlace(FILES);
  const { tree } = await collected(place, (folder) => write(folder, 'a.txt', content));
  const commit = await place.repositories.commit(REPOSITORY, { tree, parents: [place.base], message: 'A change\n', at: AT });
  const head = (branch = BRANCH): string | null => {
    try {
      return git(place.remote, ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]);
    } catch {
      return null;
    }
  };
  return { ...place, result: tree, commit, head };
};

const headOf = async (repositories: GitRepositories, branch: string) => (await repositories.remoteHeads(REPOSITORY, [branch]))[0];

const movedBy = async (repositories: GitRepositories, base: string): Promise<number> =>
  repositories.commitsSince(REPOSITORY, base, 'main', (await headOf(repositories, 'main')) ?? null);

describe('A commit', () => {
  it('has the same id on every machine and holds the request alone', async () => {
    const [one, two] = [await delivered(), await delivered()];
    expect(one.commit).toBe(two.commit);
    const text = git(join(one.dataFolder, 'mirrors/acme+widgets.git'), ['cat-file', 'commit', one.commit]);
    expect(text.split('\n')).toEqual([
      `tree ${one.result}`,
      `parent ${one.base}`,
      'author Countersign <countersign@localhost> 1777630830 +0000',
      'committer Countersign <countersign@localhost> 1777630830 +0000',
      '',
      'A change',
    ]);
  });

  it('keeps its message to the letter, whatever it looks like', async () => {
    const { repositories, result, base, dataFolder } = await delivered();
    const message = '--amend\n# not a comment\n\n\nSigned-off-by: nobody\n  trailing  \nümläut 😀\n\n';
    const commit = await repositories.commit(REPOSITORY, { tree: result, parents: [base], message, at: AT });
    const raw = execFileSync('git', ['--git-dir', join(dataFolder, 'mirrors/acme+widgets.git'), 'cat-file', 'commit', commit]);
    expect(raw.toString('utf8').endsWith(`\n\n${message}`)).toBe(true);
    await expect(repositories.commit(REPOSITORY, { tree: result, parents: [base], message, at: 'yesterday' })).rejects.toThrow(
      RangeError,
    );
  });
});

describe('A push', () => {
  it('makes the branch, once, with exactly that commit and nothing else', async () => {
    const { repositories, commit, head, remote, result } = await delivered();
    expect(await headOf(repositories, BRANCH)).toBeNull();
    expect(await repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null })).toBe('pushed');
    expect(head()).toBe(commit);
    expect(git(remote, ['rev-parse', `${commit}^{tree}`])).toBe(result);
    expect(await headOf(repositories, BRANCH)).toBe(commit);
    expect(git(remote, ['for-each-ref', '--format=%(refname)']).split('\n').sort()).toEqual([
      `refs/heads/${BRANCH}`,
      'refs/heads/main',
    ]);
  });

  it('that was made before but never acknowledged is pushed', async () => {
    const { repositories, commit } = await delivered();
    const request = { branch: BRANCH, commit, lease: null };
    expect(await repositories.push(REPOSITORY, request)).toBe('pushed');
    expect(await repositories.push(REPOSITORY, request)).toBe('pushed');
  });

  it('is refused by its lease when somebody else has the branch, and overwrites nothing', async () => {
    const { repositories, commit, head, remote, base, tree } = await delivered();
    const theirs = plantCommit(remote, tree, BRANCH, [base]);
    expect(await repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null })).toBe('lease_refused');
    expect(await repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: base })).toBe('lease_refused');
    expect(head()).toBe(theirs);
  });

  it('is refused by its lease when the branch it continues is gone', async () => {
    const { repositories, commit, base, head } = await delivered();
    expect(await repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: base })).toBe('lease_refused');
    expect(head()).toBeNull();
  });

  it('has one winner when several want the same new branch at once', async () => {
    const { repositories, base, result, head } = await delivered();
    const commits = await Promise.all(
      [1, 2, 3, 4].map((n) => repositories.commit(REPOSITORY, { tree: result, parents: [base], message: `${n}\n`, at: AT })),
    );
    const outcomes = await Promise.all(
      commits.map((commit) => repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null })),
    );
    expect(outcomes.filter((outcome) => outcome === 'pushed')).toHaveLength(1);
    expect(head()).toBe(commits[outcomes.indexOf('pushed')]);
  });

  it('continues the head it was told of, and never goes back or aside', async () => {
    const { repositories, commit, base, result, tree, head } = await delivered();
    await repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null });
    const next = await repositories.commit(REPOSITORY, { tree, parents: [commit, base], message: 'next\n', at: AT });
    expect(await repositories.push(REPOSITORY, { branch: BRANCH, commit: next, lease: commit })).toBe('pushed');
    const aside = await repositories.commit(REPOSITORY, { tree: result, parents: [base], message: 'aside\n', at: AT });
    await expect(repositories.push(REPOSITORY, { branch: BRANCH, commit: aside, lease: next })).rejects.toThrow('must build on');
    expect(head()).toBe(next);
    expect(await repositories.isAncestor(REPOSITORY, commit, next, BRANCH)).toBe(true);
    expect(await repositories.isAncestor(REPOSITORY, next, commit, BRANCH)).toBe(false);
  });

  it.each(['--upload-pack=x', '+main', 'a:b', ':main', 'refs/heads/*', 'x..y', ''])(
    'to a branch named %j is refused',
    async (branch) => {
      const { repositories, commit } = await delivered();
      await expect(repositories.push(REPOSITORY, { branch, commit, lease: null })).rejects.toThrow(RangeError);
      await expect(headOf(repositories, branch)).rejects.toThrow(RangeError);
    },
  );

  it('that a rule of the remote refuses is tried again later, with a sentence that repeats nothing', async () => {
    const { repositories, commit, remote, head } = await delivered();
    mkdirSync(join(remote, 'hooks'), { recursive: true });
    writeFileSync(join(remote, 'hooks/update'), '#!/bin/sh\necho "token ghp_x in $PWD"; exit 1\n', { mode: 0o755 });
    const error: unknown = await repositories
      .push(REPOSITORY, { branch: BRANCH, commit, lease: null })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'OutsideFailure', message: expect.stringContaining('countersign/*') });
    expect(`${error}`).not.toMatch(/ghp_x|\/tmp/);
    expect(head()).toBeNull();
  });

  it('to a remote that is gone is an outside failure, as is asking it', async () => {
    const { repositories, commit, remote, base } = await delivered();
    rmSync(remote, { recursive: true });
    const asked = [
      repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null }),
      headOf(repositories, BRANCH),
      movedBy(repositories, base),
    ];
    for (const error of await Promise.all(asked.map((promise) => promise.catch((thrown: unknown) => thrown)))) {
      expect(error).toMatchObject({ name: 'OutsideFailure' });
      expect(`${error}`).not.toMatch(/\/tmp|fatal/);
    }
  });
});

describe('What the remote says of a branch', () => {
  it('is about that very name', async () => {
    const { repositories, remote, base } = await delivered();
    git(remote, ['update-ref', 'refs/heads/other/refs/heads/x', base]);
    git(remote, ['update-ref', 'refs/tags/x', base]);
    expect(await headOf(repositories, 'x')).toBeNull();
    expect(await repositories.remoteHeads(REPOSITORY, ['x', 'main', 'other/refs/heads/x'])).toEqual([null, base, base]);
  });

  it('counts as building on a commit only when it does, also when it must be fetched first', async () => {
    const { repositories, remote, base, tree, commit } = await delivered();
    await repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null });
    const onTop = plantCommit(remote, tree, BRANCH, [commit]);
    expect(await repositories.isAncestor(REPOSITORY, commit, onTop, BRANCH)).toBe(true);
    const foreign = plantCommit(remote, plantTree(remote, []), BRANCH);
    expect(await repositories.isAncestor(REPOSITORY, commit, foreign, BRANCH)).toBe(false);
    expect(await repositories.isAncestor(REPOSITORY, base, '1'.repeat(40), 'no-such-branch')).toBe(false);
  });

  it('tells how far the base moved', async () => {
    const { repositories, remote, base, tree } = await delivered();
    expect(await movedBy(repositories, base)).toBe(0);
    plantCommit(remote, tree, 'main', [plantCommit(remote, tree, 'main', [base])]);
    expect(await movedBy(repositories, base)).toBe(2);
  });
});

const TOKEN = 'token-of-the-remote-0123456789';

/** A remote over HTTP that wants `TOKEN`, as GitHub does. */
const httpPlace = async (access: { readonly token?: (host: string) => Promise<string | undefined> }, login = '') => {
  const root = temporaryFolder();
  const served = join(root, 'served');
  const remote = join(served, 'acme/widgets.git');
  mkdirSync(served, { recursive: true });
  git(root, ['init', '-q', '--bare', '-b', 'main', remote]);
  git(remote, ['config', 'http.receivepack', 'true']);
  const tree = plantTree(remote, FILES);
  const base = plantCommit(remote, tree, 'main');
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const answer = await answerGit(request, body, served, TOKEN);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const snapshotRoot = join(root, 'repos');
  const url = `http://${login}${host}/acme/widgets.git`;
  plantSnapshot(snapshotRoot, REPOSITORY, url);
  const dataFolder = join(root, 'data');
  const repositories = createRepositories({ dataFolder, snapshotRoot, serviceSecrets: () => [], gitCredentials: access });
  return { root, remote, repositories, base, tree, host, dataFolder, snapshotRoot, url };
};

describe('A remote that wants a token', () => {
  it('gets it for its own host, and no file and no address holds it', async () => {
    const hosts: string[] = [];
    const token = (host: string) => {
      hosts.push(host);
      return Promise.resolve(TOKEN);
    };
    const place = await httpPlace({ token });
    const { tree } = await collected(place, (folder) => write(folder, 'a.txt', 'changed\n'));
    const commit = await place.repositories.commit(REPOSITORY, { tree, parents: [place.base], message: 'm', at: AT });
    expect(await place.repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null })).toBe('pushed');
    expect(new Set(hosts)).toEqual(new Set([place.host]));
    expect(() => execFileSync('grep', ['-r', TOKEN, place.root])).toThrow();
    expect(await place.repositories.checkRemote(REPOSITORY, 'main')).toMatchObject([{ ok: true }, { ok: true }]);
    expect(git(place.remote, ['for-each-ref', 'refs/heads/countersign/preflight'])).toBe('');
  });

  it('may have it in the origin of the snapshot, from where it goes nowhere else', async () => {
    const place = await httpPlace({}, `ada:${TOKEN}@`);
    const { remote } = await place.repositories.resolveBase(REPOSITORY, 'main');
    expect(remote).toBe(`http://${place.host}/acme/widgets.git`);
    expect(() => execFileSync('grep', ['-r', TOKEN, place.dataFolder])).toThrow();
  });

  it('says that the login was refused, and by which direction, without it', async () => {
    for (const token of [undefined, () => Promise.resolve('wrong-token-0123456789')]) {
      const place = await httpPlace(token === undefined ? {} : { token });
      const error: unknown = await place.repositories.resolveBase(REPOSITORY, 'main').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ reason: 'REMOTE_UNREACHABLE', message: expect.stringContaining('refused the login') });
      expect(`${error}`).not.toContain('wrong-token');
      expect(await place.repositories.checkRemote(REPOSITORY, 'main')).toMatchObject([{ direction: 'fetch', ok: false }]);
    }
  });

  it('that may be read but not written is told apart', async () => {
    const place = await httpPlace({ token: () => Promise.resolve(TOKEN) });
    git(place.remote, ['config', 'http.receivepack', 'false']);
    expect(await place.repositories.checkRemote(REPOSITORY, 'main')).toMatchObject([
      { direction: 'fetch', ok: true },
      { direction: 'push', ok: false, sentence: expect.stringContaining('refused the login') },
    ]);
  });
});

describe('A snapshot', () => {
  it('is added under the last two parts of its URL, once, and removed with its mirror', async () => {
    const place = await httpPlace({});
    const snapshotRoot = join(place.root, 'fresh');
    const gitCredentials = { token: () => Promise.resolve(TOKEN) };
    const request = { url: place.url, snapshotRoot, gitCredentials };
    expect(await addRepository(request)).toEqual({ name: 'acme/widgets', remote: place.url });
    expect(await addRepository(request)).toEqual({ name: 'acme/widgets', remote: place.url });
    expect(() => execFileSync('grep', ['-r', TOKEN, snapshotRoot])).toThrow();
    const repositories = createRepositories({
      dataFolder: place.dataFolder,
      snapshotRoot,
      serviceSecrets: () => [],
      gitCredentials,
    });
    expect(await repositories.list()).toEqual(['acme/widgets']);
    expect(await repositories.resolveBase('acme/widgets', 'main')).toMatchObject({ commit: place.base });
    await expect(addRepository({ ...request, url: place.remote })).rejects.toMatchObject({
      message: expect.stringContaining('another'),
    });
    expect(await addRepository({ ...request, name: 'mine' })).toMatchObject({ name: 'mine' });
    const removal = { name: 'acme/widgets', snapshotRoot, dataFolder: place.dataFolder };
    expect(await removeRepository(removal)).toBe(true);
    expect(await removeRepository(removal)).toBe(false);
    expect(await repositories.list()).toEqual(['mine']);
  });

  it('runs nothing of the repository while it is added', async () => {
    const place = createPlace([
      { path: '.gitattributes', content: '* filter=lfs\n' },
      { path: '.gitmodules', content: '[submodule "x"]\n\tpath = x\n\turl = /nowhere\n' },
      { path: 'x', mode: '160000', content: 'a'.repeat(40) },
      { path: 'model.bin', content: 'version https://git-lfs.github.com/spec/v1\n' },
    ]);
    expect(await addRepository({ url: place.remote, name: 'copy', snapshotRoot: place.snapshotRoot })).toMatchObject({
      name: 'copy',
    });
  });

  it.each(['..', '-x', 'a/../../b', '/etc', 'a\0b'])('is never named %j', async (name) => {
    const place = createPlace(FILES);
    await expect(addRepository({ url: place.remote, name, snapshotRoot: place.snapshotRoot })).rejects.toMatchObject({
      name: 'RepositoryProblem',
    });
    await expect(
      removeRepository({ name, snapshotRoot: place.snapshotRoot, dataFolder: place.dataFolder }),
    ).rejects.toMatchObject({
      name: 'RepositoryProblem',
    });
  });

  it('that cannot be cloned leaves nothing and says why', async () => {
    const root = temporaryFolder();
    for (const url of ['ext::sh -c id', '--upload-pack=id', join(root, 'nowhere.git'), 'http://127.0.0.1:9/acme/x.git'])
      await expect(addRepository({ url, name: 'x', snapshotRoot: join(root, 'repos') })).rejects.toMatchObject({
        reason: 'REMOTE_UNREACHABLE',
      });
    expect(
      await createRepositories({ dataFolder: root, snapshotRoot: join(root, 'repos'), serviceSecrets: () => [] }).list(),
    ).toEqual([]);
  });
});

describe('A remote that never answers', () => {
  const silent = async () => {
    const asked = Promise.withResolvers<void>();
    const server = createServer(() => asked.resolve());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const place = await delivered();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/acme/widgets.git`;
    plantSnapshot(place.snapshotRoot, REPOSITORY, url);
    const repositories = createRepositories({ ...place, serviceSecrets: () => [] });
    return { ...place, repositories, asked: asked.promise, running: () => processesWith(url) };
  };

  const CANCELLED = new Error('cancelled');

  it.each<readonly [string, (place: Awaited<ReturnType<typeof silent>>, signal: AbortSignal) => Promise<unknown>]>([
    ['a fetch', ({ repositories }, signal) => repositories.resolveBase(REPOSITORY, 'main', 'fresh', signal)],
    ['a look', ({ repositories }, signal) => repositories.remoteHeads(REPOSITORY, [BRANCH], signal)],
    [
      'a push',
      ({ repositories, commit }, signal) => repositories.push(REPOSITORY, { branch: BRANCH, commit, lease: null }, signal),
    ],
    ['a fetch of one commit', ({ repositories }, signal) => repositories.treeOf(REPOSITORY, '1'.repeat(40), signal)],
  ])('does not keep %s that is cancelled', async (_, call) => {
    const place = await silent();
    const cancel = new AbortController();
    const answer = call(place, cancel.signal).catch((thrown: unknown) => thrown);
    await place.asked;
    cancel.abort(CANCELLED);
    expect(await answer).toBe(CANCELLED);
    await vi.waitFor(async () => expect(await place.running()).toBe(0), 5_000);
  });

  it('keeps who shares a fetch waiting when another of them is cancelled, and nobody when the service stops', async () => {
    const place = await silent();
    const cancel = new AbortController();
    const asked = place.repositories.resolveBase(REPOSITORY, 'main');
    const mine = place.repositories.resolveBase(REPOSITORY, 'main', 'shared', cancel.signal).catch((thrown: unknown) => thrown);
    await place.asked;
    cancel.abort(CANCELLED);
    expect(await mine).toBe(CANCELLED);
    expect(await place.running()).toBeGreaterThan(0);
    place.repositories.close();
    await expect(asked).rejects.toThrow();
    await vi.waitFor(async () => expect(await place.running()).toBe(0), 5_000);
  });
});
