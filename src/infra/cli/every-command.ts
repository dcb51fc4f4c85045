import type { Command } from 'commander';
import { addAuditCommands } from './commands/audit.ts';
import { addBackupCommands } from './commands/backup.ts';
import { addChatCommands } from './commands/chats.ts';
import { addHistoryCommands } from './commands/history.ts';
import { addImportCommands } from './commands/import.ts';
import { addLogCommands } from './commands/log.ts';
import { addPeopleCommands } from './commands/people.ts';
import { addPreflightCommand } from './commands/preflight.ts';
import { addRepositoryCommands } from './commands/repositories.ts';
import { addServeCommand } from './commands/serve.ts';
import { addStoreCommands } from './commands/store.ts';
import { addTaskCommands } from './commands/task.ts';
import { addTokenCommands } from './commands/tokens.ts';
import { addDemoCommand } from './demo/command.ts';
import type { Deal } from './desk.ts';
import { addSetupCommand } from './setup/command.ts';

/** Everything that can be typed, in the order of the help. */
export const addEveryCommand = (program: Command, deal: Deal): void => {
  addDemoCommand(program, deal);
  addSetupCommand(program, deal);
  addServeCommand(program, deal);
  addPreflightCommand(program, deal);
  addTaskCommands(program, deal);
  addRepositoryCommands(program, deal);
  addPeopleCommands(program, deal);
  addTokenCommands(program, deal);
  addChatCommands(program, deal);
  addAuditCommands(program, deal);
  addHistoryCommands(program, deal);
  addImportCommands(program, deal);
  addLogCommands(program, deal);
  addBackupCommands(program, deal);
  addStoreCommands(program, deal);
};
