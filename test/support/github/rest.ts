import { join } from 'node:path';
import { z } from 'zod';
import { git } from '../git-commands.ts';
import type { Answer } from './git-http.ts';

/** A pull request as GitHub's REST API shows it, as far as tests look. */
export const Pull = z.looseObject({
  number: z.int(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean(),
  merged_at: z.string().nullable(),
  html_url: z.string(),
  head: z.looseObject({ ref: z.string(), sha: z.string() }),
  base: z.looseObject({ ref: z.string(), sha: z.string() }),
});
export type Pull = z.infer<typeof Pull>;

export interface RestRequest {
  readonly method: string;
  /** Without `/api/v3`, with the query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface RestOptions {
  /** Where `emulate` answers, as it writes it into its own links. */
  readonly emulator: string;
  /** What stands in links instead. */
  readonly shown: string;
  /** Folder of the bare repositories. */
  readonly root: string;
  readonly token: string;
}

export type Rest = (request: RestRequest) => Promise<Answer>;

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8', 'x-oauth-scopes': 'repo, workflow' };

const answer = (status: number, body: unknown): Answer => ({ status, headers: JSON_TYPE, body: JSON.stringify(body) });

const invalid = (error: Readonly<Record<string, string>>): Answer =>
  answer(422, { message: 'Validation Failed', errors: [{ resource: 'PullRequest', ...error }] });

/**
 * GitHub's rules that `emulate` leaves out, in front of it: unknown tokens, what a pull request may be opened for, and heads, counts and
 * files of pull requests as the bare repositories below `root` have them.
 */
export const restOver = ({ emulator, shown: address, root, token }: RestOptions): Rest => {
  /** Heads of open pull requests when they were last seen: what stays when the branch goes or the pull request is closed. */
  const heads = new Map<string, string>();
  let opening: Promise<unknown> = Promise.resolve();

  const commitOf = async (bare: string, branch: string): Promise<string | undefined> =>
    (await git(bare, ['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`])) || undefined;

  const forwarded = async ({ method, path, body }: RestRequest): Promise<Answer> => {
    const response = await fetch(`${emulator}${path}`, {
      method,
      headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body }),
    });
    return { status: response.status, headers: JSON_TYPE, body: (await response.text()).replaceAll(emulator, address) };
  };

  const asItStands = async (repository: string, pull: Pull): Promise<Pull> => {
    const bare = join(root, `${repository}.git`);
    const key = `${repository}#${pull.number}`;
    const now = pull.state === 'open' ? await commitOf(bare, pull.head.ref) : undefined;
    const sha = now ?? heads.get(key) ?? pull.head.sha;
    heads.set(key, sha);
    const base = (await commitOf(bare, pull.base.ref)) ?? pull.base.sha;
    const stat = await git(bare, ['diff', '--numstat', `${base}...${sha}`]);
    return {
      ...pull,
      head: { ...pull.head, sha },
      base: { ...pull.base, sha: base },
      changed_files: stat.split('\n').filter(Boolean).length,
    };
  };

  const files = async (repository: string, number: string): Promise<Answer> => {
    const shown = await rest({
      method: 'GET',
      path: `/repos/${repository}/pulls/${number}`,
      authorization: `token ${token}`,
      body: '',
    });
    if (shown.status !== 200) return shown;
    const { head, base } = Pull.parse(JSON.parse(`${shown.body}`));
    const lines = await git(join(root, `${repository}.git`), [
      'diff',
      '--no-renames',
      '--name-status',
      `${base.sha}...${head.sha}`,
    ]);
    const names: Record<string, string> = { A: 'added', D: 'removed', M: 'modified', T: 'changed' };
    return answer(
      200,
      lines.split('\n').map((line) => ({ filename: line.slice(2), status: names[line.slice(0, 1)] })),
    );
  };

  const refusedToOpen = async (repository: string, body: string): Promise<Answer | null> => {
    const bare = join(root, `${repository}.git`);
    const owner = repository.split('/')[0];
    const wanted = z.looseObject({ head: z.string(), base: z.string() }).parse(JSON.parse(body));
    const branch = wanted.head.replace(`${owner}:`, '');
    const [head, base] = [await commitOf(bare, branch), await commitOf(bare, wanted.base)];
    if (head === undefined) return invalid({ field: 'head', code: 'invalid' });
    if (base === undefined) return invalid({ field: 'base', code: 'invalid' });
    const ahead = await git(bare, ['rev-list', '--count', `${base}..${head}`]);
    if (ahead === '0') return invalid({ code: 'custom', message: `No commits between ${wanted.base} and ${branch}` });
    const open = await forwarded({
      method: 'GET',
      path: `/repos/${repository}/pulls?state=open&head=${owner}:${branch}`,
      authorization: undefined,
      body: '',
    });
    if (open.body !== '[]') return invalid({ code: 'custom', message: `A pull request already exists for ${owner}:${branch}.` });
    return null;
  };

  /** One after the other: of two requests for one head, the second is refused. */
  const openPull = (repository: string, request: RestRequest): Promise<Answer> => {
    const opened = opening.then(async () => (await refusedToOpen(repository, request.body)) ?? forwarded(request));
    opening = opened.catch(() => undefined);
    return opened;
  };

  const rest: Rest = async (request) => {
    if (!new RegExp(`^(token|bearer) ${token}$`, 'i').test(request.authorization ?? ''))
      return answer(401, { message: 'Bad credentials' });
    const [, repository = '', number, part] =
      /^\/repos\/([^/]+\/[^/?]+)\/pulls(?:\/(\d+))?(?:\/(files|merge))?(?:\?|$)/.exec(request.path) ?? [];
    if (repository === '') return forwarded(request);
    if (number !== undefined && part === 'files') return files(repository, number);
    // Before a pull request is changed, its head is looked at: closed, it keeps this one.
    if (number !== undefined && request.method !== 'GET')
      await rest({ ...request, method: 'GET', path: `/repos/${repository}/pulls/${number}`, body: '' });

    const given = request.method === 'POST' ? await openPull(repository, request) : await forwarded(request);
    if (given.status >= 300 || part === 'merge') return given;
    const shown: unknown = JSON.parse(`${given.body}`);
    const pulls = await Promise.all(
      z
        .array(Pull)
        .parse([shown].flat())
        .map((pull) => asItStands(repository, pull)),
    );
    return answer(given.status, Array.isArray(shown) ? pulls : pulls[0]);
  };
  return rest;
};
