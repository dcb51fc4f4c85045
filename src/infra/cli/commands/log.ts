import type { Command } from 'commander';
import { z } from 'zod';
import { count } from '../../../projections/words.ts';
import { visibleJson, visibleText } from '../../visible.ts';
import type { Api } from '../api.ts';
import type { Offline, ReplayReport } from '../composition.ts';
import type { Deal, Desk } from '../desk.ts';
import { Failure } from '../failure.ts';
import { linesOf } from '../lines.ts';

/** Opens the data folder for as long as `work` takes. */
const withFolder = async <T>(desk: Desk, work: (offline: Offline) => Promise<T>): Promise<T> => {
  const { configuration } = await desk.configuration();
  const offline = await desk.composition.offline(configuration);
  try {
    return await work(offline);
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

const Resumed = z.object({
  resumed: z.number(),
  parked: z.array(z.object({ view: z.string(), stream: z.string(), type: z.string(), needs: z.string() })),
});

const whyParked: Readonly<Record<string, string>> = { unreadable: 'cannot be read', fault: 'makes the view fail' };

/** A start tries it by itself, so a service must run. */
const resume = async (desk: Desk): Promise<number> => {
  const found = Resumed.parse(await (await desk.connect()).send('POST', '/projections/resume'));
  desk.answer(found, Resumed, ({ resumed, parked }) => [
    `  ${count(resumed, 'stream')} went on, ${parked.length} did not.`,
    ...parked.map(
      ({ view, stream, type, needs }) => `  ${stream}  ${view}: ${type} ${whyParked[needs] ?? `needs version ${needs}`}`,
    ),
  ]);
  return found.parked.length === 0 ? 0 : 1;
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

/** `projections` and `replay`: what is made from the log, made again. */
export const addLogCommands = (program: Command, deal: Deal): void => {
  const projections = program.command('projections').description('the views, which are made from the log');
  projections
    .command('rebuild')
    .description('build every view and the audit file anew; the service goes on meanwhile')
    .action(deal(rebuild));
  projections.command('resume').description('try the streams again that a view could fold no further').action(deal(resume));
  program
    .command('replay')
    .description('fold every stream of the log and compute its hashes anew, while no service runs')
    .action(deal(replay));
};
