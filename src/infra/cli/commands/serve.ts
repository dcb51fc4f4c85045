import type { Command } from 'commander';
import { createSystemd } from '../../systemd.ts';
import { visibleJson } from '../../visible.ts';
import { createDesk, type Deal, type Desk } from '../desk.ts';

/** Longest that a stop may take, in milliseconds; then the process ends all the same, and it does so within 5 s. */
const STOP_MS_MAX = 4_500;

/** How long the service may take to answer itself before its watchdog is left unfed, in milliseconds. */
const ANSWER_MS_MAX = 5_000;

const serve = async (desk: Desk, { role }: { readonly role?: string }): Promise<void> => {
  const { composition, environment, terminal, json } = desk;
  const read = await (role === undefined
    ? desk
    : createDesk({ ...desk, environment: { ...environment, ROLE: role } })
  ).configuration();
  terminal.complain(...read.notes.map((note) => `countersign: ${note}`));
  // Heard from the beginning, for interrupted work goes on before the service listens; and to the end, for a signal that nobody listens to
  // any more makes execa, which has children to end, pass it on to this process.
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ask());
  const giveUp = (): void => {
    terminal.complain('countersign: The service did not stop in time. Nothing is lost: the next start goes on where it was.');
    process.exit(1);
  };
  void asked.then(() => setTimeout(giveUp, STOP_MS_MAX).unref());

  const service = await composition.serve(read.configuration);
  const { url } = service;
  terminal.print(json ? visibleJson({ url, pid: process.pid }) : `Countersign listens on ${url}. Ctrl-C stops it.`);
  const answers = async (): Promise<boolean> => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })).ok;
  const systemd = createSystemd({ environment, answers });
  await systemd.ready();
  try {
    await Promise.race([asked, service.done]);
  } finally {
    await Promise.all([systemd.stopping(), service.stop()]);
  }
};

/** `serve`: the service itself. */
export const addServeCommand = (program: Command, deal: Deal): void => {
  program
    .command('serve')
    .description('run the service until it is stopped')
    .option('--role <role>', 'all, api or worker: what this process does; see ROLE')
    .action(deal(serve));
};
