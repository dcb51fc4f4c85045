import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { exampleFile } from '../../config/example.ts';
import type { Environment } from '../../config/operator.ts';
import { type Api, createApi } from '../api.ts';
import { checksOf, printChecks } from '../commands/preflight.ts';
import type { Desk } from '../desk.ts';
import { Failure } from '../failure.ts';
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

/** The service of this data folder: the one that runs, or one of our own for as long as setup takes. */
const withService = async (desk: Desk, isChanged: boolean, work: (api: Api) => Promise<void>): Promise<void> => {
  const running = await desk.connectIfRunning();
  if (running !== null) {
    if (isChanged)
      throw new Failure(
        'The service that runs here does not know the new settings. Start it anew, then run setup again to go on.',
      );
    return work(running);
  }
  const { configuration } = await desk.configuration();
  const service = await desk.composition.serve({ ...configuration, logLevel: 'fatal' });
  try {
    const known = await readServiceFile(configuration.dataFolder);
    if (known === null) throw new Error('a service that was started did not say where it is');
    await work(createApi(known));
  } finally {
    await service.stop();
  }
};

const choose = async (desk: Desk, wish: Wish, interview: ReturnType<typeof createInterview>): Promise<boolean> => {
  const { terminal } = desk;
  const choosing = { interview, wish, terminal, said: await said(desk.environment) };
  const variables = [...(await chooseAgent(choosing)), ...(await chooseForge(choosing)), ...(await chooseBot(choosing))];
  // What the environment says already wins anyway, and may be no business of a file.
  const own = variables.filter(([name, value]) => desk.environment[name] !== value);
  const isChanged = await setVariables(resolve(ENV_FILE), exampleFile(), new Map(own));
  terminal.print(`  ${isChanged ? 'Written to' : 'All of it stands in'} ${ENV_FILE}, which only you can read.`);
  return isChanged;
};

const botOf = async (desk: Desk): Promise<Bot | undefined> => {
  const { TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: root } = await said(desk.environment);
  if (token === undefined) return undefined;
  const bot = await askBot(token, root);
  if (typeof bot === 'string') throw new Failure(bot);
  return bot;
};

const nextSteps = ({ terminal }: Desk, repository: string | undefined, bot: Bot | undefined): void => {
  const repo = repository ?? 'you/yours';
  terminal.print(
    ...(repository === undefined ? ['  bin/countersign repo add <url>'] : []),
    '  bin/countersign serve',
    ...(bot === undefined ? [] : [`  to @${bot.name}:  /task repo=${repo} Make the failing test pass.`]),
    `  bin/countersign task add --repo ${repo} "Make the failing test pass."`,
  );
};

/** From an empty folder to a service that takes requests; run again it finds what is there and asks for the rest. */
export const setUp = async (desk: Desk, wish: Wish): Promise<void> => {
  const { terminal } = desk;
  const interview = createInterview(terminal, { asks: wish.yes !== true });
  const heading = (title: string): void => terminal.print('', `  ${terminal.ink('strong', title)}`);

  heading('This machine');
  await looksAtMachine(desk);
  heading('Agent, pull requests, chat');
  const isChanged = await choose(desk, wish, interview);
  heading('Image for tests');
  await ensureTestImage((await desk.configuration()).configuration, interview, terminal);
  const bot = wish.telegram ? await botOf(desk) : undefined;
  await withService(desk, isChanged, async (api) => {
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
    printChecks(await checksOf(desk), terminal);
    heading('What to type now');
    nextSteps(desk, repository, bot);
  });
};
