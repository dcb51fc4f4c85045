import type { Command } from 'commander';
import type { Deal } from '../desk.ts';

export const addDemoCommand = (program: Command, deal: Deal): void => {
  program.command('demo').action(deal(async () => {}));
};
