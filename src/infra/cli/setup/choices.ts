import { execa } from 'execa';
import type { Environment } from '../../config/operator.ts';
import { botToken } from '../../config/values.ts';
import type { Terminal } from '../terminal.ts';
import type { Interview } from './interview.ts';
import { type FoundAgent, findAgents } from './machine.ts';
import { askBot } from './telegram-bot.ts';

/** What was given on the command line. */
export interface Wish {
  readonly yes?: true;
  readonly name?: string;
  readonly agent?: string;
  readonly agentCommand?: string;
  readonly forge?: string;
  readonly telegram: boolean;
  readonly repo?: string;
  readonly repoName?: string;
  /** Seconds that a phone is waited for. */
  readonly wait?: string;
}

interface Choosing {
  readonly interview: Interview;
  readonly wish: Wish;
  /** What is configured by now: the environment over `.env`. */
  readonly said: Environment;
  readonly terminal: Terminal;
}

type Variables = readonly (readonly [string, string])[];

const OF_AN_AGENT = [
  'AGENT_CLI_TEMPLATE',
  'AGENT_MODEL',
  'AGENT_CONFIG_FILE',
  'AGENT_LOGIN_PATHS',
  'AGENT_EGRESS',
  'AGENT_SESSION_CHECK_CMD',
];

const stateOf = ({ isInstalled, isSignedIn, signIn }: FoundAgent): string => {
  if (!isInstalled) return 'not installed here';
  return isSignedIn ? 'installed, signed in' : `installed; sign in first: ${signIn}`;
};

const ownAgent = async ({ interview, wish, said }: Choosing): Promise<Variables> => {
  const command = await interview.text({
    message: 'Shell command that edits the current folder as $OKD_INTENT says',
    said: wish.agentCommand ?? said.AGENT_CLI_TEMPLATE,
    flag: '--agent-command',
    fault: (typed) =>
      /OKD_INTENT|\{\{intent\}\}/.test(typed) ? undefined : 'It must use $OKD_INTENT, or it never learns what to do.',
  });
  return [...forgotten(said, 'custom'), ['AGENT_PROVIDER', 'custom'], ['AGENT_CLI_TEMPLATE', command]];
};

/** What was set for another agent must not be left to this one: above all its command. */
const forgotten = (said: Environment, provider: string): Variables =>
  said.AGENT_PROVIDER === undefined || said.AGENT_PROVIDER === provider
    ? []
    : OF_AN_AGENT.flatMap((name) => (said[name] === undefined ? [] : [[name, ''] as const]));

/** Which agent works, and what it needs. */
export const chooseAgent = async (choosing: Choosing): Promise<Variables> => {
  const { interview, wish, said } = choosing;
  const found = await findAgents(said.PATH ?? '', said.HOME);
  const ready = found.find(({ isInstalled, isSignedIn }) => isInstalled && isSignedIn);
  const chosen = await interview.choice({
    message: 'Which coding agent does the work?',
    said: wish.agent ?? (wish.agentCommand === undefined ? said.AGENT_PROVIDER : 'custom'),
    fallback: (ready ?? found.find(({ isInstalled }) => isInstalled) ?? found[0])?.provider,
    flag: '--agent',
    choices: [
      ...found.map((agent) => ({ value: agent.provider, name: `${agent.title} (${stateOf(agent)})` })),
      { value: 'custom', name: 'another one', description: 'any command line program that edits files' },
    ],
    fault: (typed) =>
      typed === 'custom' || found.some(({ provider }) => provider === typed)
        ? undefined
        : 'It is codex, claude, gemini or custom.',
  });
  const known = found.find(({ provider }) => provider === chosen);
  if (known === undefined) return ownAgent(choosing);
  const isAnother = said.AGENT_PROVIDER !== known.provider;
  const needs = Object.entries(known.variables).filter(([name]) => isAnother || said[name] === undefined);
  return [...forgotten(said, known.provider), ['AGENT_PROVIDER', known.provider], ...needs];
};

const ghIsSignedIn = async ({ PATH = '', HOME = '' }: Environment): Promise<boolean> => {
  const { failed } = await execa('gh', ['auth', 'token'], {
    extendEnv: false,
    env: { PATH, HOME },
    stdin: 'ignore',
    reject: false,
  });
  return !failed;
};

/** Where pull requests are opened. */
export const chooseForge = async ({ interview, wish, said, terminal }: Choosing): Promise<Variables> => {
  const isSignedIn = await ghIsSignedIn(said);
  const forge = await interview.choice({
    message: 'Where are Draft pull requests opened?',
    said: wish.forge ?? said.FORGE,
    fallback: isSignedIn ? 'github' : 'local',
    flag: '--forge',
    choices: [
      { value: 'github', name: 'on GitHub' },
      {
        value: 'local',
        name: 'nowhere yet',
        description: 'branches are pushed to the origin, and the pull request is a record here: to try things out',
      },
    ],
    fault: (typed) => (typed === 'github' || typed === 'local' ? undefined : 'It is github or local.'),
  });
  if (forge === 'local' || said.GH_TOKEN !== undefined || said.GITHUB_TOKEN !== undefined) return [['FORGE', forge]];
  if (isSignedIn) {
    terminal.print('  The login of gh is used.');
    return [['FORGE', forge]];
  }
  const token = await interview.secret({
    message: 'A token for GitHub with rights on contents and pull requests (fine-grained, for these repositories only)',
    fallback: '',
    flag: 'GH_TOKEN',
  });
  if (token === '') terminal.print('  Without one: sign in with "gh auth login" before the first task.');
  return [['FORGE', forge], ...(token === '' ? [] : ([['GH_TOKEN', token]] as const))];
};

/** The bot, asked whose token it is. */
export const chooseBot = async ({ interview, wish, said }: Choosing): Promise<Variables> => {
  if (!wish.telegram) return [];
  const token = await interview.secret({
    message: 'Token of your Telegram bot (@BotFather, /newbot); empty: no Telegram for now',
    said: said.TELEGRAM_BOT_TOKEN,
    fallback: '',
    flag: 'TELEGRAM_BOT_TOKEN',
    fault: async (typed) => {
      if (typed === '') return undefined;
      const { error } = botToken.safeParse(typed);
      if (error) return error.issues[0]?.message ?? 'is no token';
      const bot = await askBot(typed, said.TELEGRAM_API_ROOT);
      return typeof bot === 'string' ? bot : undefined;
    },
  });
  return token === '' ? [] : [['TELEGRAM_BOT_TOKEN', token]];
};
