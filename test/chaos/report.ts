import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import type { Point } from './points.ts';
import { neverMet, type PlayedBatch } from './run.ts';

const [BEGIN, END] = ['<!-- made by npm run chaos: begin -->', '<!-- made by npm run chaos: end -->'];

interface Row {
  injected: number;
  atOnce: number;
  afterRerun: number;
  violated: number;
}

/** `SIGKILL before` and `SIGKILL after` are one column of one row. */
const kindOf = (how: string): string => how.replace(/ (before|during|after)$/, '');

const FAMILIES: Readonly<Record<Point['play']['family'], string>> = {
  process: 'a process, at a named call',
  start: 'a process, in the middle of its start',
  together: 'all processes at once',
  github: 'GitHub and git remote',
  telegram: 'Telegram',
  docker: 'Docker engine',
  disk: 'a full disk',
  clock: 'the clock',
  torn: 'torn files',
  store: 'EventStoreDB',
  people: 'people',
};

/** Injected points by what `nameOf` calls them, sorted. */
const rowsOf = (played: readonly PlayedBatch[], nameOf: (point: Point) => string): readonly (readonly [string, Row])[] => {
  const rows = new Map<string, Row>();
  for (const { injected, violations, reruns } of played) {
    for (const point of injected) {
      const name = nameOf(point);
      const row = rows.get(name) ?? { injected: 0, atOnce: 0, afterRerun: 0, violated: 0 };
      row.injected++;
      if (violations.length > 0) row.violated++;
      else if (reruns > 0) row.afterRerun++;
      else row.atOnce++;
      rows.set(name, row);
    }
  }
  return [...rows].sort(([one], [other]) => (one < other ? -1 : 1));
};

const madeOn = (): string => {
  const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  return `commit ${commit}, ${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} processors (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`;
};

const sum = (played: readonly PlayedBatch[], of: (batch: PlayedBatch) => number): number =>
  played.reduce((all, batch) => all + of(batch), 0);

/** `page` with what this run came to between its marks. Throws when it has none. */
export const withOutcomeTable = (page: string, played: readonly PlayedBatch[], seed: string, ms: number): string => {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`the page holds no "${BEGIN}" and "${END}"`);
  const minutes = ms / 60_000;
  const unmet = neverMet(played);
  const told = [
    `Seed \`${seed}\`: ${sum(played, ({ injected }) => injected.length)} failures in ${played.length} batches, ${sum(played, ({ tasks }) => tasks)} tasks,`,
    `${sum(played, ({ lives }) => lives)} processes, ${sum(played, ({ reruns }) => reruns)} attempts that a person started again,`,
    `${sum(played, ({ violations }) => violations.length)} violations, ${minutes.toFixed(1)} minutes; ${sum(played, ({ missed }) => missed.length)} more waited in vain for their call.`,
    `Made on ${madeOn()}.`,
    ...(unmet.length === 0 ? [] : [`Dealt, and never met: ${unmet.join('; ')}.`]),
  ].join(' ');
  const kinds = rowsOf(played, ({ play }) => FAMILIES[play.family]).map(
    ([name, { injected, violated }]) => `| ${name} | ${injected} | ${(injected / minutes).toFixed(1)} | ${violated} |`,
  );
  const lines = rowsOf(played, ({ where, how }) => `${where} | ${kindOf(how)}`).map(
    ([name, { injected, atOnce, afterRerun, violated }]) => `| ${name} | ${injected} | ${atOnce} | ${afterRerun} | ${violated} |`,
  );
  const setups = [...Map.groupBy(played, ({ setup }) => setup.name)].map(
    ([name, its]) =>
      `| ${name} | ${its.length} | ${sum(its, ({ injected }) => injected.length)} | ${sum(its, ({ violations }) => violations.length)} |`,
  );
  return [
    ...[page.slice(0, before + BEGIN.length), '', told, ''],
    ...['| what fails | injected | a minute | in a batch with a violation |', '|---|---|---|---|', ...kinds, ''],
    ...['| setup | batches | failures | violations |', '|---|---|---|---|', ...setups, ''],
    '| where | what | injected | all delivered at once | all delivered, some after a rerun | violated |',
    '|---|---|---|---|---|---|',
    ...[...lines, '', page.slice(after)],
  ].join('\n');
};
