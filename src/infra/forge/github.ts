import { z } from 'zod';
import { type Forge, ForgeRefusal, type PullRequest } from '../../commands/ports/forge.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { singleLine } from '../../domain/markdown.ts';
import type { Probed } from './check.ts';
import { type ApiAnswer, createGh, type GhOptions, loginSentence, messageOf, shaped, unreadable } from './gh.ts';
import { probeGitHub } from './github-probe.ts';
import { gitHubRepositoryOf } from './github-repository.ts';

export interface GitHubForge extends Forge, Probed {
  readonly kind: 'github';
  /** The login of gh, for git to push with; `undefined` for another host or without a login. */
  token(host: string): Promise<string | undefined>;
}

const PAGE = 100;
/** GitHub closes a discussion at 2,500 comments. */
const COMMENT_PAGES_MAX = 26;
const COMPLAINT_CHARACTERS_MAX = 300;
/** gh follows these when it reads, never when it writes. */
const MOVED = new Set([301, 302, 307, 308]);

const Pull = z.object({
  number: z.int().min(1),
  html_url: z.url({ protocol: /^https?$/ }),
  state: z.enum(['open', 'closed']),
  /** Older servers know no drafts and leave it out. */
  draft: z.boolean().default(false),
  merged_at: z.string().nullish(),
  head: z.object({ ref: z.string(), sha: z.string().regex(/^[0-9a-f]{40,64}$/), repo: z.object({ id: z.int() }).nullable() }),
  base: z.object({ repo: z.object({ id: z.int() }) }),
});
type Pull = z.infer<typeof Pull>;

const Comment = z.object({ id: z.int(), body: z.string().nullish() });

/** GitHub through its own CLI, which brings login, proxies and Enterprise hosts; every call is one of the REST API. */
export const createGitHubForge = (options: GhOptions): GitHubForge => {
  const gh = createGh(options);

  const at = (remote: string) => {
    const { owner, name } = gitHubRepositoryOf(remote, gh.host);
    return { owner, path: `repos/${owner}/${name}` };
  };

  const pullsOf = async (remote: string, branch: string): Promise<PullRequest[]> => {
    const { owner, path } = at(remote);
    const query = new URLSearchParams({
      head: `${owner}:${branch}`,
      state: 'all',
      sort: 'created',
      direction: 'desc',
      per_page: `${PAGE}`,
    });
    const answer = await gh.api('GET', `${path}/pulls?${query}`);
    if (answer.status !== 200) throw problem(gh.host, answer);
    // The same owner may have a fork with a branch of that name; a branch of another repository is not ours.
    return shaped(z.array(Pull), answer)
      .filter(({ head, base }) => head.ref === branch && head.repo?.id === base.repo.id)
      .map(listed);
  };

  /** Id of the oldest comment that holds `marker`. */
  const firstWith = async (comments: string, marker: string): Promise<number | undefined> => {
    for (let page = 1; page <= COMMENT_PAGES_MAX; page++) {
      const answer = await gh.api('GET', `${comments}?per_page=${PAGE}&page=${page}`);
      if (answer.status !== 200) throw problem(gh.host, answer);
      const found = shaped(z.array(Comment), answer);
      const first = found.find((comment) => comment.body?.includes(marker));
      if (first || found.length < PAGE) return first?.id;
    }
    return undefined;
  };

  return {
    kind: 'github',

    findPullRequest: async (remote, branch) => (await pullsOf(remote, branch))[0] ?? null,

    openDraft: async ({ remote, branch, base, title, body }) => {
      const { path } = at(remote);
      const answer = await gh.api('POST', `${path}/pulls`, { title, head: branch, base, body, draft: true });
      if (answer.status === 201) {
        const opened = listed(shaped(Pull, answer));
        if (opened.draft) return opened;
        const closed = await gh.api('PATCH', `${path}/pulls/${opened.number}`, { state: 'closed' }).then(
          ({ status }) => status === 200,
          () => false,
        );
        throw new ForgeRefusal(
          `GitHub opened ${opened.url} without making it a draft${closed ? ', so it was closed again' : '; close it'}. Use a GitHub that supports drafts.`,
        );
      }
      if (answer.status !== 422 || !/already exists/i.test(messageOf(answer))) throw problem(gh.host, answer);
      const open = (await pullsOf(remote, branch)).find(({ state }) => state === 'open');
      if (open !== undefined) return open;
      throw new OutsideFailure('GitHub says that the pull request exists, and does not list it yet. It is looked for again.');
    },

    commentOnce: async (remote, number, marker, body) => {
      const { path } = at(remote);
      const comments = `${path}/issues/${number}/comments`;
      if ((await firstWith(comments, marker)) !== undefined) return;
      const answer = await gh.api('POST', comments, { body });
      if (answer.status !== 201) throw problem(gh.host, answer);
      const posted = shaped(Comment, answer);
      // Who looked at the same time, or slept after the look, said it as well: the first stays. A look that fails is no reason to say it again.
      const first = await firstWith(comments, marker).catch(() => undefined);
      if (first === undefined || first >= posted.id) return;
      await gh.api('DELETE', `${path}/issues/comments/${posted.id}`).catch(() => undefined);
    },

    probe: (remote) => probeGitHub(gh, remote),
    token: async (host) => (host.toLowerCase() === gh.host.toLowerCase() ? gh.token() : undefined),
  };
};

const listed = ({ number, html_url, state, draft, merged_at, head }: Pull): PullRequest => ({
  number,
  url: html_url,
  state: merged_at == null ? state : 'merged',
  draft,
  branch: head.ref,
  head: head.sha,
});

/** What an answer other than the one hoped for means for a person. GitHub's own words are quoted where they name the fault. */
const problem = (host: string, answer: ApiAnswer): ForgeRefusal | OutsideFailure => {
  if (MOVED.has(answer.status))
    return new ForgeRefusal('The repository has moved on GitHub. Set origin of the snapshot to its new URL.');
  if (answer.status < 400) return unreadable();
  const complaint = singleLine(messageOf(answer), COMPLAINT_CHARACTERS_MAX);
  const quoted = complaint === '' ? `HTTP ${answer.status}` : `"${complaint}"`;
  if (answer.status === 401) return new ForgeRefusal(loginSentence(host));
  if (answer.status === 404)
    return new ForgeRefusal(
      'GitHub does not show this repository or pull request to the login. Check the remote and the rights of the token.',
    );
  if (answer.status === 403)
    return new ForgeRefusal(
      `GitHub does not permit this (${quoted}). Give the token write access to contents and pull requests of the repository.`,
    );
  if (/draft pull requests are not supported/i.test(complaint))
    return new ForgeRefusal(
      'This repository does not support draft pull requests, and nothing else is opened. Use a plan with drafts, or a public repository.',
    );
  return new ForgeRefusal(`GitHub does not accept the request (${quoted}). Correct what it names, then ask for the task again.`);
};
