import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Deal, Desk } from '../desk.ts';
import { Failure } from '../failure.ts';
import { visibleJson } from '../visible.ts';

/** Longest that a stop may take before the process ends all the same; what runs is found and finished by the next start. */
const STOP_MS_MAX = 5_000;

const serve = async ({ configuration, composition, terminal, json }: Desk): Promise<void> => {
  const read = await configuration();
  terminal.complain(...read.notes.map((note) => `countersign: ${note}`));
  const service = await composition.serve(read.configuration);
  const { url } = service;
  terminal.print(json ? visibleJson({ url, pid: process.pid }) : `Countersign listens on ${url}. Ctrl-C stops it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const inTime = await Promise.race([service.stop().then(() => true), pause(STOP_MS_MAX, false, { ref: false })]);
  if (!inTime) throw new Failure('The service did not stop in time. Nothing is lost: the next start goes on where it was.');
};

/** `serve`: the service itself. */
export const addServeCommand = (program: Command, deal: Deal): void => {
  program.command('serve').description('run the service until it is stopped').action(deal(serve));
};
