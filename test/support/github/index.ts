import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmulator } from 'emulate';
import { z } from 'zod';
import { git } from '../git-commands.ts';
import { createFaults, type Faults } from './faults.ts';
import { answerGit } from './git-http.ts';
import { Pull, restOver } from './rest.ts';

export type { Fault, Faults } from './faults.ts';
export type { Pull } from './rest.ts';

export interface GitHubSeed {
  readonly owner: string;
  readonly name: string;
  /** Writes the files of the first commit of `main`, or leaves a whole repository with that branch. */
  seed(folder: string): Promise<void>;
}

/** GitHub on loopback: git over HTTP, the REST API on the same port, and on a socket for gh. `repository` is `owner/name`. */
export interface GitHub {
  /** `http://127.0.0.1:<port>/owner/name.git`; clone and push want `gitToken` as the password. */
  remoteUrl(repository: string): string;
  /** The bare repository behind it. */
  bare(repository: string): string;
  /** What gh needs to find this GitHub and be logged in. */
  readonly ghEnvironment: Readonly<Record<string, string>>;
  readonly gitToken: string;
  /** All of them, newest first. */
  pulls(repository: string): Promise<readonly Pull[]>;
  /** Names of the changed files, with `added`, `modified` or `removed`. */
  changedFiles(repository: string, number: number): Promise<Readonly<Record<string, string>>>;
  /** Texts of the comments, oldest first. */
  comments(repository: string, number: number): Promise<readonly string[]>;
  comment(repository: string, number: number, body: string): Promise<void>;
  /** Closes or merges it, as a person would. */
  settle(repository: string, number: number, state: 'closed' | 'merged'): Promise<void>;
  /** Tree id of a branch; `null` without that branch. */
  branchTree(repository: string, branch: string): Promise<string | null>;
  /** Every request that came, as `METHOD /path?query`. */
  readonly requests: readonly string[];
  readonly faults: Faults;
  stop(): Promise<void>;
}

const LOGIN = 'ada';
/** Pull requests in one page of a listing. */
const PAGE_PULLS = 100;

const makeRepository = async (root: string, { owner, name, seed }: GitHubSeed): Promise<void> => {
  const work = await mkdtemp(join(root, 'seed-'));
  await seed(work);
  if (!existsSync(join(work, '.git'))) {
    await git(work, ['init', '--quiet', '--initial-branch=main']);
    await git(work, ['add', '--all', '--force']);
    await git(work, ['commit', '--quiet', '--allow-empty', '--message', 'The beginning']);
  }
  const bare = join(root, owner, `${name}.git`);
  await mkdir(join(root, owner), { recursive: true });
  await git(root, ['clone', '--quiet', '--bare', work, bare]);
  await git(bare, ['config', 'http.receivepack', 'true']);
  await rm(work, { recursive: true });
};

const listening = (listener: RequestListener, at: { readonly port: number; readonly host: string } | string): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer(listener);
    server.once('error', reject);
    server.listen(at, () => resolve(server));
  });

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

export interface GitHubOptions {
  readonly repositories: readonly GitHubSeed[];
  /** Address that its answers name pages with, for those who look at them; its own by default. */
  readonly shownAs?: string;
}

export const startGitHub = async ({ repositories, shownAs }: GitHubOptions): Promise<GitHub> => {
  const root = await mkdtemp(join(tmpdir(), 'countersign-github-'));
  const token = `ghp_${randomBytes(18).toString('hex')}`;
  const faults = createFaults();
  const requests: string[] = [];
  for (const repository of repositories) await makeRepository(root, repository);

  const answered = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray());
    const method = request.method ?? 'GET';
    const url = request.url ?? '/';
    const path = url.replace(/^\/api\/v3/, '');
    const target = `${method} ${path}`;
    requests.push(target);
    const answer = await faults.apply(target, () =>
      path === url
        ? answerGit(request, body, root, token)
        : rest({ method, path, authorization: request.headers.authorization, body: body.toString('utf8') }),
    );
    if (answer === null) request.socket.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  };

  /** A client that went away in the middle is left alone. */
  const listener: RequestListener = (request, response) => {
    answered(request, response).catch(() => request.socket.destroy());
  };

  const front = await listening(listener, { port: 0, host: '127.0.0.1' });
  const address = front.address();
  if (address === null || typeof address === 'string') throw new Error('the front has no port');
  const host = `127.0.0.1:${address.port}`;
  const socket = join(root, 'gh.sock');
  const door = await listening(listener, socket);

  const emulator = await createEmulator({
    service: 'github',
    port: 0,
    hostname: '127.0.0.1',
    seed: {
      tokens: { [token]: { login: LOGIN, scopes: ['repo'] } },
      github: {
        users: [{ login: LOGIN }],
        orgs: [...new Set(repositories.map(({ owner }) => owner))].map((login) => ({
          login,
          members: [{ login: LOGIN, role: 'admin' }],
        })),
        repos: repositories.map(({ owner, name }) => ({ owner, name, auto_init: true })),
      },
    },
  });
  const rest = restOver({ emulator: emulator.url, shown: shownAs ?? `http://${host}`, root, token });

  const config = join(root, 'gh');
  await mkdir(config);
  await writeFile(join(config, 'config.yml'), `http_unix_socket: ${socket}\nprompt: disabled\n`);

  const asked = async (method: string, path: string, body: unknown = {}): Promise<unknown> => {
    const answer = await rest({ method, path: `/repos/${path}`, authorization: `token ${token}`, body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(`${answer.body}`);
  };

  return {
    remoteUrl: (repository) => `http://${host}/${repository}.git`,
    bare: (repository) => join(root, `${repository}.git`),
    ghEnvironment: { PATH: process.env.PATH ?? '', HOME: root, GH_CONFIG_DIR: config, GH_HOST: host, GH_ENTERPRISE_TOKEN: token },
    gitToken: token,
    pulls: async (repository) => {
      const all: Pull[] = [];
      for (let page = 1; all.length === (page - 1) * PAGE_PULLS; page++) {
        all.push(...z.array(Pull).parse(await asked('GET', `${repository}/pulls?state=all&per_page=${PAGE_PULLS}&page=${page}`)));
      }
      return all;
    },
    changedFiles: async (repository, number) => {
      const files = z
        .array(z.object({ filename: z.string(), status: z.string() }))
        .parse(await asked('GET', `${repository}/pulls/${number}/files`));
      return Object.fromEntries(files.map(({ filename, status }) => [filename, status]));
    },
    comments: async (repository, number) =>
      z
        .array(z.object({ body: z.string() }))
        .parse(await asked('GET', `${repository}/issues/${number}/comments?per_page=100`))
        .map(({ body }) => body),
    comment: async (repository, number, body) => {
      await asked('POST', `${repository}/issues/${number}/comments`, { body });
    },
    settle: async (repository, number, state) => {
      if (state === 'closed') await asked('PATCH', `${repository}/pulls/${number}`, { state });
      else {
        await asked('PATCH', `${repository}/pulls/${number}`, { draft: false });
        await asked('PUT', `${repository}/pulls/${number}/merge`);
      }
    },
    branchTree: (repository, branch) =>
      git(join(root, `${repository}.git`), ['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{tree}`]).catch(() => null),
    requests,
    faults,
    stop: async () => {
      await Promise.all([closed(front), closed(door), emulator.close()]);
      await rm(root, { recursive: true });
    },
  };
};
