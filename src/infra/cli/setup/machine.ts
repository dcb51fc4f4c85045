import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where a program stands on PATH; `undefined` when it does not. */
const findProgram = async (name: string, path: string): Promise<string | undefined> => {
  for (const folder of path.split(delimiter).filter((part) => part.startsWith('/'))) {
    const file = join(folder, name);
    const isThere = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return undefined;
};

/** Programs of the machine, what each is for, and the package that brings it. */
const PROGRAMS = [
  { name: 'git', need: 'needed', package: 'git', about: 'keeps the repositories' },
  { name: 'bwrap', need: 'needed', package: 'bubblewrap', about: 'shuts agents in' },
  { name: 'prlimit', need: 'needed', package: 'util-linux', about: 'limits agents' },
  { name: 'gh', need: 'wanted', package: 'gh', about: 'opens pull requests on GitHub' },
  {
    name: 'dockerd',
    need: 'wanted',
    package: 'docker.io',
    about: 'runs tests in containers; without it they run in bubblewrap, which is weaker',
  },
] as const;

export interface Program {
  readonly package: string;
  readonly about: string;
  readonly need: 'needed' | 'wanted';
}

/** Programs that are not here. */
export const missingPrograms = async (path: string): Promise<readonly Program[]> => {
  // Daemons and their tools stand there, also where a user's PATH leaves them out.
  const found = await Promise.all(PROGRAMS.map(({ name }) => findProgram(name, `${path}${delimiter}/usr/sbin${delimiter}/sbin`)));
  return PROGRAMS.filter((_, at) => found[at] === undefined);
};

/** A coding agent that setup knows how to start. */
export interface KnownAgent {
  readonly provider: 'codex' | 'claude' | 'gemini';
  readonly title: string;
  /** The file that its own sign-in leaves below the home. */
  readonly login: string;
  readonly signIn: string;
  /** What it takes besides AGENT_PROVIDER. The intent comes last or in an argument of its own, so that one that begins with a dash is none of its options. */
  readonly variables: Readonly<Record<string, string>>;
}

const KNOWN_AGENTS: readonly KnownAgent[] = [
  { provider: 'codex', title: 'Codex', login: '.codex/auth.json', signIn: 'codex login', variables: {} },
  {
    provider: 'claude',
    title: 'Claude Code',
    login: '.claude/.credentials.json',
    signIn: 'claude, then /login',
    variables: {
      AGENT_CLI_TEMPLATE:
        'claude --print --permission-mode acceptEdits --allowedTools Read,Edit,Write,Bash --max-turns 50 -- "$OKD_INTENT"',
      AGENT_LOGIN_PATHS: '~/.claude/.credentials.json',
      AGENT_EGRESS: 'api.anthropic.com',
    },
  },
  {
    provider: 'gemini',
    title: 'Gemini CLI',
    login: '.gemini/oauth_creds.json',
    signIn: 'gemini, then sign in',
    variables: {
      AGENT_CLI_TEMPLATE: 'gemini --approval-mode yolo --skip-trust --prompt="$OKD_INTENT"',
      AGENT_LOGIN_PATHS: '~/.gemini/oauth_creds.json,~/.gemini/settings.json',
      AGENT_EGRESS: 'generativelanguage.googleapis.com,cloudcode-pa.googleapis.com,oauth2.googleapis.com',
    },
  },
];

export interface FoundAgent extends KnownAgent {
  readonly isInstalled: boolean;
  readonly isSignedIn: boolean;
}

/** Each known agent, and whether it is installed and signed in for this user. */
export const findAgents = (path: string, home = homedir()): Promise<readonly FoundAgent[]> =>
  Promise.all(
    KNOWN_AGENTS.map(async (agent) => ({
      ...agent,
      isInstalled: (await findProgram(agent.provider, path)) !== undefined,
      isSignedIn: await access(join(home, agent.login), constants.R_OK).then(
        () => true,
        () => false,
      ),
    })),
  );
