import type { PlayedBatch } from './run.ts';

const [BEGIN, END] = ['<!-- made by npm run chaos: begin -->', '<!-- made by npm run chaos: end -->'];

interface Row {
  injected: number;
  atOnce: number;
  afterRerun: number;
  violated: number;
}

/** `SIGKILL before` and `SIGKILL after` are one column of one row. */
const kindOf = (how: string): string => how.replace(/ (before|during|after)$/, '');

const rowsOf = (played: readonly PlayedBatch[]): ReadonlyMap<string, Row> => {
  const rows = new Map<string, Row>();
  for (const { injected, violations, reruns } of played) {
    for (const { where, how } of injected) {
      const name = `${where} | ${kindOf(how)}`;
      const row = rows.get(name) ?? { injected: 0, atOnce: 0, afterRerun: 0, violated: 0 };
      row.injected++;
      if (violations.length > 0) row.violated++;
      else if (reruns > 0) row.afterRerun++;
      else row.atOnce++;
      rows.set(name, row);
    }
  }
  return rows;
};

/** `page` with what this run came to between its marks. Throws when it has none. */
export const withOutcomeTable = (page: string, played: readonly PlayedBatch[], seed: string, ms: number): string => {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`the page holds no "${BEGIN}" and "${END}"`);
  const sum = (of: (batch: PlayedBatch) => number): number => played.reduce((all, batch) => all + of(batch), 0);
  const lines = [...rowsOf(played)]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([name, { injected, atOnce, afterRerun, violated }]) =>
        `| ${name} | ${injected} | ${atOnce} | ${afterRerun} | ${violated} |`,
    );
  const told = [
    `Seed \`${seed}\`: ${sum(({ injected }) => injected.length)} failures in ${played.length} batches, ${sum(({ tasks }) => tasks)} tasks,`,
    `${sum(({ lives }) => lives)} processes, ${sum(({ reruns }) => reruns)} attempts that a person started again,`,
    `${sum(({ violations }) => violations.length)} violations, ${Math.round(ms / 60_000)} minutes.`,
  ].join(' ');
  const table = [
    '| where | what | injected | all delivered at once | all delivered, some after a rerun | violated |',
    '|---|---|---|---|---|---|',
    ...lines,
  ];
  return [page.slice(0, before + BEGIN.length), '', told, '', ...table, '', page.slice(after)].join('\n');
};
