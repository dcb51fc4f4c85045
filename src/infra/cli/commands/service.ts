import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import type { Check } from '../../checks.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { Api } from '../api.ts';
import type { Offline, ReplayReport } from '../composition.ts';
import { type Deal, type Desk, shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import { indented, padded, wrapped } from '../layout.ts';
import { linesOf } from '../lines.ts';
import type { Style } from '../terminal.ts';
import { visibleJson, visibleText } from '../visible.ts';
import { count } from '../words.ts';

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

const MARKS: Readonly<Record<Check['status'], { readonly word: string; readonly style: Style }>> = {
  pass: { word: 'PASS', style: 'good' },
  warn: { word: 'WARN', style: 'warn' },
  fail: { word: 'FAIL', style: 'bad' },
};

const HealthAnswer = z.object({
  components: z.array(z.object({ name: z.string(), status: z.enum(['pass', 'warn', 'fail']), sentence: z.string() })),
});

/** A running service is asked itself, for it owns the data folder; otherwise everything is opened for the moment. */
const checksOf = async (desk: Desk): Promise<readonly Check[]> => {
  const read = await desk.reading();
  if ('faults' in read) return read.faults.map((sentence) => ({ name: 'configuration', status: 'fail', sentence }));
  const configured: Check[] = [
    { name: 'configuration', status: 'pass', sentence: 'Every variable is understood.' },
    ...read.notes.map((sentence): Check => ({ name: 'configuration', status: 'warn', sentence })),
  ];
  const api = await desk.connectIfRunning();
  if (api === null) return [...configured, ...(await desk.composition.preflight(read.configuration))];
  const health = shown(await api.get('/health/details', { accepts: [503] }), HealthAnswer);
  return [...configured, { name: 'service', status: 'pass', sentence: `It runs at ${api.url}.` }, ...health.components];
};

const preflight = async (desk: Desk): Promise<number> => {
  const { terminal, json } = desk;
  const checks = await checksOf(desk);
  const counts = { pass: 0, warn: 0, fail: 0 };
  for (const { status } of checks) counts[status]++;
  if (json) terminal.print(visibleJson({ checks, ...counts }));
  else {
    const room = Math.max(...checks.map(({ name }) => name.length)) + 2;
    for (const { name, status, sentence } of checks) {
      const { word, style } = MARKS[status];
      const [first = '', ...more] = wrapped(visibleText(sentence), Math.max(30, terminal.columns - room - 8));
      terminal.print(`  ${terminal.ink(style, word)}  ${padded(visibleText(name), room)}${first}`, ...indented(more, room + 8));
    }
    terminal.print('', `  ${counts.pass} passed, ${count(counts.warn, 'warning')}, ${counts.fail} failed`);
  }
  return counts.fail > 0 ? 1 : 0;
};

/** Opens the data folder for as long as `work` takes. */
const withFolder = async <T>(desk: Desk, work: (offline: Offline, configuration: Configuration) => Promise<T>): Promise<T> => {
  const { configuration } = await desk.configuration();
  const offline = await desk.composition.offline(configuration);
  try {
    return await work(offline, configuration);
  } finally {
    await offline.close();
  }
};

const RebuildLine = z.object({ name: z.string(), events: z.number(), expected: z.number().optional() });

/** Hears how far each view is, one after the other or side by side, and shows the sum. */
const rebuildByService = async (api: Api, onProgress: (done: number, total: number | null) => void): Promise<void> => {
  const views = new Map<string, z.infer<typeof RebuildLine>>();
  let finished = false;
  for await (const line of linesOf(await api.open('POST', '/projections/rebuild'))) {
    const message: unknown = JSON.parse(line);
    finished ||= z.object({ finished: z.literal(true) }).safeParse(message).success;
    const { data } = RebuildLine.safeParse(message);
    if (data === undefined) continue;
    views.set(data.name, data);
    const all = [...views.values()];
    const isKnown = all.every(({ expected }) => expected !== undefined);
    onProgress(
      all.reduce((sum, { events }) => sum + events, 0),
      isKnown ? all.reduce((sum, { events, expected = 0 }) => sum + Math.max(events, expected), 0) : null,
    );
  }
  if (!finished) throw new Failure('The service ended before the views were rebuilt. Look at its log, and rebuild them again.');
};

const rebuild = async (desk: Desk): Promise<void> => {
  const { terminal, json } = desk;
  const progress = terminal.progress('  events read');
  let events = 0;
  const onProgress = (done: number, total: number | null): void => {
    events = done;
    if (!json) progress.update(done, total);
  };
  const api = await desk.connectIfRunning();
  if (api === null) await withFolder(desk, (offline) => offline.rebuild(onProgress));
  else await rebuildByService(api, onProgress);
  if (!json) progress.end();
  terminal.print(json ? visibleJson({ rebuilt: true, events }) : '  Every view was built anew from the log.');
};

const replay = async (desk: Desk): Promise<number> => {
  const { terminal, json } = desk;
  const progress = terminal.progress('  events read');
  const report: ReplayReport = await withFolder(desk, (offline) =>
    offline.replay((done) => {
      if (!json) progress.update(done, null);
    }),
  );
  if (!json) progress.end();
  if (json) terminal.print(visibleJson(report));
  else {
    const { events, streams, faults } = report;
    terminal.print(
      `  ${count(events, 'event')} in ${count(streams, 'stream')} were folded, and their hashes computed anew.`,
      ...(faults.length === 0
        ? [terminal.ink('good', '  Everything holds.')]
        : faults.map(({ stream, sentence }) => `  ${terminal.ink('bad', stream)}  ${visibleText(sentence)}`)),
    );
  }
  return report.faults.length === 0 ? 0 : 1;
};

/** The service itself, and what can be asked of it as a whole. */
export const addServiceCommands = (program: Command, deal: Deal): void => {
  program.command('serve').description('run the service until it is stopped').action(deal(serve));
  program
    .command('preflight')
    .description('ask every component for real, and say what to do; ends with 1 when something is missing')
    .action(deal(preflight));
  program
    .command('projections')
    .description('the views, which are made from the log')
    .command('rebuild')
    .description('build every view and the audit file anew; the service goes on meanwhile')
    .action(deal(rebuild));
  program
    .command('replay')
    .description('fold every stream of the log and compute its hashes anew, while no service runs')
    .action(deal(replay));
};
