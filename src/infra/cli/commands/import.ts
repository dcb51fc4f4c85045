import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { count } from '../../../projections/words.ts';
import { readAuditLines } from '../../okaydokki/audit.ts';
import { batchesOf, type Item } from '../../okaydokki/batches.ts';
import { readTasks } from '../../okaydokki/database.ts';
import { NotReadable, type Place, type Read } from '../../okaydokki/reading.ts';
import { visibleJson } from '../../visible.ts';
import { type Deal, type Desk, shown } from '../desk.ts';
import { Failure, Misuse } from '../failure.ts';
import { linesOf } from '../lines.ts';

/** Faults that are said one by one. */
const FAULTS_SHOWN_MAX = 20;

interface Wish {
  readonly db?: string;
  readonly audit?: string;
  readonly dryRun?: boolean;
  readonly skipBad?: boolean;
}

interface Survey {
  tasks: number;
  lines: number;
  /** Lines about conversations. */
  passedOver: number;
  bad: number;
  /** The first of them. */
  readonly faults: string[];
}

const Tally = z.object({ added: z.int(), known: z.int() });
const Imported = z.object({ tasks: Tally, audit: Tally });

/** Every record of both files, tasks first: so each comes in the order in which it was asked for. */
async function* recordsOf({ db, audit }: Wish): AsyncGenerator<Read<Item>> {
  const item = <Record, Name extends 'tasks' | 'audit'>(name: Name, read: Read<Record>) =>
    ('record' in read ? { ...read, record: { [name]: read.record } } : read) as Read<Item>; // The name says of which kind the record is.
  if (db !== undefined) for (const read of readTasks(db)) yield item('tasks', read);
  if (audit === undefined) return;
  await access(audit, constants.R_OK).catch(() => {
    throw new NotReadable('There is no audit file there. Name the file of its AUDIT_LOG_PATH.');
  });
  for await (const read of readAuditLines(linesOf(createReadStream(audit)))) yield item('audit', read);
}

async function* goodOnes(records: AsyncIterable<Read<Item>>): AsyncGenerator<Item> {
  for await (const read of records) if ('record' in read) yield read.record;
}

const placeInWords = ({ file, number }: Place): string =>
  file === 'audit' ? `audit, line ${number}` : `database, row ${number}`;

/** Reads everything once, before anything is brought in. */
const surveyOf = async (wish: Wish): Promise<Survey> => {
  const survey: Survey = { tasks: 0, lines: 0, passedOver: 0, bad: 0, faults: [] };
  for await (const read of recordsOf(wish)) {
    if ('passedOver' in read) survey.passedOver++;
    else if ('faults' in read) {
      survey.bad++;
      if (survey.faults.length < FAULTS_SHOWN_MAX) survey.faults.push(`${placeInWords(read)}: ${read.faults.join('; ')}`);
    } else if (read.file === 'database') survey.tasks++;
    else survey.lines++;
  }
  return survey;
};

const faultLines = ({ bad, faults }: Survey): string[] => [
  ...faults,
  ...(bad > faults.length ? [`and ${bad - faults.length} more`] : []),
];

const bringIn = async (desk: Desk, wish: Wish, all: number): Promise<z.infer<typeof Imported>> => {
  const api = await desk.connect();
  const progress = desk.terminal.progress('  records brought in');
  const sum = { tasks: { added: 0, known: 0 }, audit: { added: 0, known: 0 } };
  let sent = 0;
  for await (const body of batchesOf(goodOnes(recordsOf(wish)))) {
    const answer = shown(await api.send('POST', '/history', { body }), Imported);
    for (const file of ['tasks', 'audit'] as const) {
      sum[file].added += answer[file].added;
      sum[file].known += answer[file].known;
    }
    sent += body.tasks.length + body.audit.length;
    if (!desk.json) progress.update(sent, all);
  }
  if (!desk.json) progress.end();
  return sum;
};

const leftOut = ({ passedOver, bad }: Survey): string[] => [
  ...(passedOver > 0 ? [`  ${count(passedOver, 'line')} about conversations left out: they belong to no task.`] : []),
  ...(bad > 0 ? [`  ${count(bad, 'record')} left out as not readable.`] : []),
];

const work = async (desk: Desk, wish: Wish): Promise<number> => {
  const { terminal, json } = desk;
  const survey = await surveyOf(wish);
  const { tasks, lines, passedOver, bad } = survey;
  const counts = { tasks, audit: lines, conversations: passedOver, bad };
  const complaints = faultLines(survey);
  if (wish.dryRun) {
    if (json) terminal.print(visibleJson({ dry_run: true, ...counts, faults: complaints }));
    else {
      terminal.print(`  ${count(tasks, 'task')} and ${count(lines, 'line')} of the audit can be brought in.`, ...leftOut(survey));
      terminal.print(...complaints.map((line) => `  ${terminal.ink('warn', line)}`), '  Nothing was changed.');
    }
    return bad > 0 && !wish.skipBad ? 1 : 0;
  }
  if (bad > 0 && !wish.skipBad) {
    throw new Failure([...complaints, 'Nothing was brought in. Mend these, or leave them out with --skip-bad.'].join('\n'));
  }
  const sum = await bringIn(desk, wish, tasks + lines);
  if (json) terminal.print(visibleJson({ ...sum, conversations: passedOver, bad, faults: complaints }));
  else {
    const known = sum.tasks.known + sum.audit.known;
    terminal.print(
      `  ${count(sum.tasks.added, 'task')} and ${count(sum.audit.added, 'line')} of the audit were brought in as history.`,
      ...(known > 0 ? [`  ${count(known, 'record')} ${known === 1 ? 'was' : 'were'} here already.`] : []),
      ...leftOut(survey),
      ...complaints.map((line) => `  ${terminal.ink('warn', line)}`),
      '  Look at it with: countersign history list',
    );
  }
  return 0;
};

const importOkayDokki = async (desk: Desk, wish: Wish): Promise<number> => {
  if (wish.db === undefined && wish.audit === undefined) throw new Misuse('Name --db, --audit, or both.');
  try {
    return await work(desk, wish);
  } catch (error) {
    throw error instanceof NotReadable ? new Failure(error.message) : error;
  }
};

/** `import`: what an older service knew, as history. */
export const addImportCommands = (program: Command, deal: Deal): void => {
  program
    .command('import')
    .description('bring in what an older service knew, as history that proves nothing here')
    .command('okaydokki')
    .description('tasks and audit of OkayDokki; its files are only read, and what is here already is passed over')
    .option('--db <file>', 'its database, such as okaydokki.db')
    .option('--audit <file>', 'its audit, such as audit.jsonl')
    .option('--dry-run', 'only read the files, and say what is in them')
    .option('--skip-bad', 'bring in the others when some cannot be read')
    .action(deal(importOkayDokki));
};
