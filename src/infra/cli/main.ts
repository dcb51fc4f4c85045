import { Command, CommanderError } from 'commander';
import type { Environment } from '../config/operator.ts';
import { visibleJson, visibleText } from '../visible.ts';
import type { Composition } from './composition.ts';
import { createDesk, type Deal, type Desk, type DeskOptions } from './desk.ts';
import { Failure, Misuse } from './failure.ts';
import { processTerminal, type Terminal } from './terminal.ts';

const DONE = 0;
const REFUSED = 1;
const MISUSED = 2;

const ABOUT =
  'Turns a request for a change into a Draft pull request, after people allowed it.\n\n' +
  'Commands talk to the running service of DATA_DIR, or to the one that --url or COUNTERSIGN_URL names. Give its token as COUNTERSIGN_TOKEN ' +
  'rather than as --token, which other users of the machine can see.';

const programFor = async (terminal: Terminal, deal: Deal, word: string | undefined): Promise<Command> => {
  const program = new Command('countersign')
    .description(ABOUT)
    .option('--json', 'print one JSON document instead of a page')
    .option('--url <address>', 'the service to talk to')
    .option('--token <token>', 'a token for it')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(visibleText(text).trimEnd()),
    })
    .exitOverride();
  // The service stays, and needs nothing of the others: what they load is left to whoever types them.
  if (word === 'serve') (await import('./commands/serve.ts')).addServeCommand(program, deal);
  else (await import('./every-command.ts')).addEveryCommand(program, deal);
  return program;
};

/** Says what went wrong, in words, and gives the exit code. A stack trace helps nobody who typed a command. */
const explain = (error: unknown, terminal: Terminal, json: boolean): number => {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : MISUSED;
  const sentence = visibleText(error instanceof Error ? error.message : 'The command line met a fault of its own.');
  const code = error instanceof Failure ? error.code : null;
  if (json) terminal.complain(visibleJson({ error: sentence, error_code: code }));
  else terminal.complain(...sentence.split('\n').map((line) => `${terminal.ink('bad', 'countersign:')} ${line}`));
  return error instanceof Misuse ? MISUSED : REFUSED;
};

/** Whoever reads the output may stop reading (`| head`); that is no fault. */
const endQuietlyWhenUnread = (): void => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? DONE : REFUSED);
    });
  }
};

/** Carries out one command. Resolves to the exit code: 0 done, 1 refused or failed, 2 not understood. */
export const runCli = async (argv: readonly string[], environment: Environment, composition: Composition): Promise<number> => {
  endQuietlyWhenUnread();
  const terminal = processTerminal();
  let code = DONE;
  let isJson = false;
  const deal: Deal =
    <Arguments extends readonly unknown[]>(work: (desk: Desk, ...args: Arguments) => Promise<unknown>) =>
    async (...args: unknown[]) => {
      const said: DeskOptions['said'] = program.opts();
      isJson = said.json === true;
      // Commander hands over what the command declared, in that order; `work` names it with the types it has.
      const result = await work(createDesk({ composition, terminal, environment, said }), ...(args as unknown as Arguments));
      code = typeof result === 'number' ? result : DONE;
    };
  const program = await programFor(terminal, deal, argv[0]);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, terminal, isJson);
  }
};
