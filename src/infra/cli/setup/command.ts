import type { Command } from 'commander';
import type { Deal } from '../desk.ts';
import type { Wish } from './choices.ts';
import { setUp } from './setup.ts';

/** `setup`: the first ten minutes. */
export const addSetupCommand = (program: Command, deal: Deal): void => {
  program
    .command('setup')
    .description('from an empty folder to a service that takes requests; can be run again')
    .option('--yes', 'ask nothing: take what is said here, in the environment and in .env')
    .option('--name <name>', 'your name')
    .option('--agent <agent>', 'codex, claude, gemini or custom')
    .option('--agent-command <command>', 'shell command of an agent of your own')
    .option('--forge <forge>', 'github or local; a token is read from GH_TOKEN')
    .option('--no-telegram', 'no chat; its token is read from TELEGRAM_BOT_TOKEN')
    .option('--repo <address>', 'the first repository')
    .option('--repo-name <name>', 'what it is called here; the last two parts of the address by default')
    .option('--wait <seconds>', 'how long a phone is waited for')
    .action(deal((desk, wish: Wish) => setUp(desk, wish)));
};
