import type { Command } from 'commander';
import type { Deal, Desk } from '../desk.ts';
import { processTerminal } from '../terminal.ts';
import { runDemo } from './demo.ts';

const demo = (desk: Desk, { yes = false }: { readonly yes?: boolean }): Promise<number> =>
  runDemo({ ...desk, terminal: desk.json ? processTerminal(true) : desk.terminal }, { yes, asJson: desk.json });

/** `demo`: the whole road on an example, from a request to a Draft pull request. */
export const addDemoCommand = (program: Command, deal: Deal): void => {
  program
    .command('demo')
    .description('the whole road on an example, from a request to a Draft pull request; needs no account')
    .option('--yes', 'allow the example to run without asking')
    .action(deal(demo));
};
