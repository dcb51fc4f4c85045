import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { exampleFile } from '../../config/example.ts';
import type { Environment } from '../../config/operator.ts';
import { type Api, createApi } from '../api.ts';
import { checksOf, printChecks } from '../commands/preflight.ts';
import { SERVICE_FILE } from '../composition.ts';
import type { Desk } from '../desk.ts';
import { Failure, Misuse } from '../failure.ts';
import { readServiceFile } from '../service-file.ts';
import { chooseAgent, chooseBot, chooseForge, type Wish } from './choices.ts';
import { setVariables } from './environment-file.ts';
import { ensureFirstPerson, pairPhone } from './first-person.ts';
import { addFirstRepository } from './first-repository.ts';
import { createInterview } from './interview.ts';
import { missingPrograms } from './machine.ts';
import { askBot, type Bot } from './telegram-bot.ts';
import { ensureTestImage } from './test-image.ts';

const ENV_FILE = '.env';

/** What is configured by now; the real environment wins over `.env`. */
const said = async (environment: Environment): Promise<Environment> => {
  const filled = (from: Environment) => Object.entries(from).filter(([, value]) => value !== undefined && value.trim() !== '');
  return Object.fromEntries([...filled(parseEnv(await readFile(ENV_FILE, 'utf8').catch(() => ''))), ...filled(environment)]);
};

const looksAtMachine = async ({ terminal, environment }: Desk): Promise<void> => {
  const missing = await missingPrograms(environment.PATH ?? '');
  for (const { package: name, about, need } of missing)
    terminal.print(`  ${terminal.ink(need === 'needed' ? 'bad' : 'warn', 'missing')}  ${name}: ${about}`);
  if (missing.length === 0) return terminal.print('  Every program that is needed is here.');
  const line = `apt-get install -y --no-install-recommends ${missing.map((one) => one.package).join(' ')}`;
  terminal.print(`  Install with: ${line}`);
  if (missing.some(({ need }) => need === 'needed')) throw new Failure('Install what is missing, then run setup again.');
};

/** Whether a file was written before another. */
const isOlder = async (file: string, other: string): Promise<boolean> => {
  const [one, two] = await Promise.all([file, other].map((path) => stat(path).catch(() => null)));
  return (one?.mtimeMs ?? 0) < (two?.mtimeMs ?? 0);
};

/** The service of this data folder: the one that runs, or one of our own for as long as setup takes. */
const withService = async (desk: Desk, work: (api: Api, isOwn: boolean) => Promise<void>): Promise<void> => {
  const { configuration } = await desk.configuration();
  const running = await desk.connectIfRunning();
  if (running !== null) {
    if (await isOlder(join(configuration.dataFolder, SERVICE_FILE), ENV_FILE))
      throw new Failure(
        `The service that runs here does not know all of ${ENV_FILE}. Start it anew, then run setup again to go on.`,
      );
    return work(running, false);
  }
  const service = await desk.composition.serve({ ...configuration, logLevel: 'fatal' });
  try {
    const known = await readServiceFile(configuration.dataFolder);
    if (known === null) throw new Error('a service that was started did not say where it is');
    await work(createApi(known), true);
  } finally {
    await service.stop();
  }
};

const choose = async (desk: Desk, wish: Wish, interview: ReturnType<typeof createInterview>): Promise<void> => {
  const { terminal } = desk;
  const choosing = { interview, wish, terminal, said: await said(desk.environment) };
  const variables = [...(await chooseAgent(choosing)), ...(await chooseForge(choosing)), ...(await chooseBot(choosing))];
  // What the environment says already wins anyway, and may be no business of a file.
  const own = variables.filter(([name, value]) => desk.environment[name] !== value);
  const isChanged = await setVariables(resolve(ENV_FILE), exampleFile(), new Map(own));
  const { AGENT_PROVIDER: agent, FORGE: forge, TELEGRAM_BOT_TOKEN: token } = await said(desk.environment);
  terminal.print(
    `  Agent ${agent}; pull requests ${forge === 'github' ? 'on GitHub' : 'recorded here'}; ${token === undefined ? 'no chat' : 'chat by Telegram'}.`,
    `  ${isChanged ? 'Written to' : 'All of it stands in'} ${ENV_FILE}, which only you can read.`,
  );
};

const botOf = async (desk: Desk): Promise<Bot | undefined> => {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: root } = await said(desk.environment);
  if (token === undefined) return undefined;
  const bot = await askBot(token, root);
  if (typeof bot === 'string') throw new Failure(bot);
  return bot;
};

/** How this program is called from the folder that setup was run in. */
const COMMAND = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'countersign');
const called = (): string => {
  const near = relative(process.cwd(), COMMAND);
  return near.startsWith('..') ? COMMAND : near;
};

const nextSteps = ({ terminal }: Desk, repository: string | undefined, bot: Bot | undefined): void => {
  const repo = repository ?? 'you/yours';
  terminal.print(
    `  ${called()} serve`,
    ...(repository === undefined ? [`  ${called()} repo add <url>`] : []),
    ...(bot === undefined ? [] : [`  to @${bot.name}:  /task repo=${repo} Make the failing test pass.`]),
    `  ${called()} task add --repo ${repo} "Make the failing test pass."`,
  );
};

/** From an empty folder to a service that takes requests; run again it finds what is there and asks for the rest. */
export const setUp = async (desk: Desk, wish: Wish): Promise<number> => {
  const { terminal } = desk;
  if (desk.json) throw new Misuse('setup speaks to a person; "countersign preflight --json" says what came of it.');
  const interview = createInterview(terminal, { asks: wish.yes !== true });
  const heading = (title: string): void => terminal.print('', `  ${terminal.ink('strong', title)}`);

  heading('This machine');
  await looksAtMachine(desk);
  heading('Agent, pull requests, chat');
  await choose(desk, wish, interview);
  heading('Image for tests');
  await ensureTestImage((await desk.configuration()).configuration, interview, terminal);
  const bot = wish.telegram ? await botOf(desk) : undefined;
  let failed = 0;
  await withService(desk, async (api, isOwn) => {
    heading('You');
    const person = await ensureFirstPerson({ api, interview, terminal, wish });
    if (bot !== undefined) {
      heading('Your phone');
      await pairPhone({ api, interview, terminal, wish }, person, bot);
    }
    heading('Repository');
    const repository = await addFirstRepository({ api, interview, terminal, wish });
    if (repository !== undefined && (await said(desk.environment)).DEFAULT_REPO === undefined)
      await setVariables(resolve(ENV_FILE), exampleFile(), new Map([['DEFAULT_REPO', repository]]));
    heading('Everything, asked for real');
    // A service of setup's own is gone in a moment, and where it listens is nobody's business.
    const checks = (await checksOf(desk)).filter(({ name }) => !isOwn || name !== 'service');
    printChecks(checks, terminal);
    failed = checks.filter(({ status }) => status === 'fail').length;
    heading(failed === 0 ? 'What to type now' : `Mend what failed (${failed}), and run setup again. Then`);
    nextSteps(desk, repository, bot);
  });
  return failed === 0 ? 0 : 1;
};
