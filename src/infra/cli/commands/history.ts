import type { Command } from 'commander';
import { z } from 'zod';
import { HistorySummary, HistoryView } from '../../../projections/history.ts';
import { moment, readersZone, shortMoment } from '../../../projections/moments.ts';
import { shortTask } from '../../../projections/words.ts';
import { pathOf, queryOf } from '../api.ts';
import type { Deal, Desk } from '../desk.ts';
import { Failure } from '../failure.ts';
import { fields, indented, table, wrapped } from '../layout.ts';

const ListAnswer = z.object({ history: z.array(HistorySummary), next_cursor: z.string().nullable() });
const ShowAnswer = z.object({ history: HistoryView });

const LABEL = 'imported, not proven';
const HEADER = [
  { title: 'task there' },
  { title: 'status there' },
  { title: 'repository' },
  { title: 'asked' },
  { title: 'change', flexible: true },
];

interface ListWish {
  readonly limit?: string;
  readonly cursor?: string;
}

const list = async (desk: Desk, { limit, cursor }: ListWish): Promise<void> => {
  const api = await desk.connect();
  const { terminal } = desk;
  desk.answer(await api.get(`/history${queryOf({ limit, cursor })}`), ListAnswer, ({ history, next_cursor }) => {
    if (history.length === 0) return ['  Nothing was brought in. Bring something in with: countersign import okaydokki'];
    const rows = history.map(({ sourceId, status, repo, createdAt, intent, lineCount }) => [
      shortTask(sourceId),
      status ?? '(audit only)',
      repo ?? '',
      createdAt === null ? '' : shortMoment(createdAt),
      intent ?? `${lineCount} lines of the audit`,
    ]);
    const paint = (text: string, row: number): string => (row < 0 ? terminal.ink('faint', text) : text);
    const older = next_cursor === null ? '' : ` · older ones: --cursor ${next_cursor}`;
    return [
      ...indented(table(HEADER, rows, paint, terminal.tableColumns - 2), 2),
      `  ${terminal.ink('warn', LABEL)} ${terminal.ink('faint', `· times in ${readersZone()}${older}`)}`,
    ];
  });
};

const taskRows = ({ task, source, sourceId, importedAt }: HistoryView): (readonly [string, string | null])[] => [
  ['task there', `${sourceId} (${source})`],
  ['status there', task?.status ?? null],
  ['change', task?.intent ?? null],
  ['asked by', task && `${task.requestedBy} by ${task.channel}, ${moment(task.createdAt)}`],
  ['allowed by', task?.approvedBy ?? null],
  ['repository', task && `${task.repo} at ${task.base}`],
  ['branch', task?.branch ?? null],
  ['agent', task?.agent ?? null],
  ['brought in', moment(importedAt)],
];

const lineInWords = (line: HistoryView['lines'][number]): string =>
  [line.errorCode, line.testsResult, line.pullRequest, line.message, line.diffHash && `change ${line.diffHash}`]
    .filter((part) => part !== null && part !== '')
    .join(' · ');

const show = async (desk: Desk, id: string, { logs }: { readonly logs?: boolean }): Promise<void> => {
  const api = await desk.connect();
  const { terminal } = desk;
  desk.answer(await api.get(pathOf`/history/${id}`), ShowAnswer, ({ history }) => {
    const header = [{ title: 'time' }, { title: 'event there' }, { title: 'what it says', flexible: true }];
    const rows = history.lines.map((line) => [shortMoment(line.recordedAt), line.eventType, lineInWords(line)]);
    const paint = (text: string, row: number): string => (row < 0 ? terminal.ink('faint', text) : text);
    const printed = history.lines.flatMap(({ agentLogs }) =>
      agentLogs === null ? [] : wrapped(agentLogs, terminal.columns - 2),
    );
    return [
      `  ${terminal.ink('warn', LABEL)}`,
      '',
      ...indented(
        fields(taskRows(history), terminal.columns - 2, (label) => terminal.ink('faint', label)),
        2,
      ),
      '',
      ...(rows.length === 0 ? [] : indented(table(header, rows, paint, terminal.tableColumns - 2), 2)),
      ...(logs ? ['', ...indented(printed, 2)] : []),
      `  ${terminal.ink('faint', `times in ${readersZone()}`)}`,
    ];
  });
};

/** Nothing brings back what is erased, so a person is asked; a script says `--yes`. */
const forget = async (desk: Desk, id: string, { yes = false }: { readonly yes?: boolean }): Promise<void> => {
  const { terminal } = desk;
  const api = await desk.connect();
  if (!yes) {
    if (!terminal.isInteractive) throw new Failure('This erases texts for good. Say so with --yes.');
    terminal.print('  Every text of it is erased from the log, the views and the audit, and it cannot be brought in again.');
    if (!(await terminal.confirm('  Erase it?'))) throw new Failure('Nothing was erased.');
  }
  desk.answer(await api.send('DELETE', pathOf`/history/${id}`), z.object({ position: z.string().nullable() }), () => [
    '  Every text of it was erased. That it was here, and when, stays.',
  ]);
};

/** `history`: what was brought in from an older service. */
export const addHistoryCommands = (program: Command, deal: Deal): void => {
  const history = program
    .command('history')
    .description('what was brought in from an older service; nothing of it was proven here');
  history
    .command('list')
    .description('what came in last is first')
    .option('--limit <number>', '1 to 100')
    .option('--cursor <cursor>', 'go on after an earlier page')
    .action(deal(list));
  history
    .command('show')
    .description('one task as it stood there, with its lines of the audit')
    .argument('<id>', 'the id that the task had there')
    .option('--logs', 'with what its agent printed')
    .action(deal((desk, id: string, wish: { logs?: boolean }) => show(desk, id, wish)));
  history
    .command('forget')
    .description('erase every text of one task that was brought in, for good')
    .argument('<id>', 'the id that the task had there')
    .option('--yes', 'without being asked')
    .action(deal((desk, id: string, wish: { yes?: boolean }) => forget(desk, id, wish)));
};
