import { z } from 'zod';
import { checked, type ForgeCheck } from './check.ts';
import { type Gh, loginSentence, shaped } from './gh.ts';
import { gitHubRepositoryOf } from './github-repository.ts';

const User = z.object({ login: z.string() });
const Repository = z.object({
  private: z.boolean(),
  archived: z.boolean().default(false),
  permissions: z.object({ push: z.boolean() }).optional(),
});

/** Login and, given a remote, the rights on its repository, each as a line of the preflight. Never throws. */
export const probeGitHub = async (gh: Gh, remote?: string): Promise<readonly ForgeCheck[]> => {
  const checks = [await checked('login', () => login(gh))];
  if (remote !== undefined) checks.push(await checked('repository', () => repository(gh, remote)));
  return checks;
};

type Verdict = Omit<ForgeCheck, 'name'>;

const pass = (sentence: string): Verdict => ({ status: 'pass', sentence });
const fail = (sentence: string): Verdict => ({ status: 'fail', sentence });

const login = async (gh: Gh): Promise<Verdict> => {
  const answer = await gh.api('GET', 'user');
  // The token of a GitHub App belongs to no user; its rights show at the repository.
  if (answer.status === 403) return pass(`gh is logged in at ${gh.host} with the token of an app.`);
  if (answer.status !== 200) return fail(loginSentence(gh.host));
  const { login: name } = shaped(User, answer);
  const scopes = (answer.headers.get('x-oauth-scopes') ?? '').split(/, */);
  // Fine-grained tokens name no scopes.
  if (scopes[0] === '' || scopes.includes('repo')) return pass(`gh is logged in at ${gh.host} as ${name}.`);
  if (scopes.includes('public_repo'))
    return {
      status: 'warn',
      sentence: `gh is logged in at ${gh.host} as ${name}, for public repositories only. Add the scope "repo" for others.`,
    };
  return fail(
    `The token of ${name} at ${gh.host} lacks the scope "repo". Run "gh auth refresh --scopes repo", or make a token with it.`,
  );
};

const repository = async (gh: Gh, remote: string): Promise<Verdict> => {
  const { owner, name } = gitHubRepositoryOf(remote, gh.host);
  const answer = await gh.api('GET', `repos/${owner}/${name}`);
  const full = `${owner}/${name}`;
  if (answer.status !== 200)
    return fail(`GitHub does not show ${full} to the login. Check the remote and the rights of the token.`);
  const { archived, permissions, private: isPrivate } = shaped(Repository, answer);
  if (archived) return fail(`${full} is archived and takes no pull requests. Unarchive it, or choose another repository.`);
  if (permissions?.push === false)
    return fail(`The login may not push to ${full}. Give it write access to contents and pull requests.`);
  const drafts = isPrivate ? ' It is private: drafts need a plan that has them.' : '';
  return pass(`The login may push to ${full} and open pull requests.${drafts}`);
};
