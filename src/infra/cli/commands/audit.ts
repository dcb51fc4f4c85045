import { createReadStream, createWriteStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import {
  type AuditFilter,
  type AuditHead,
  type AuditLine,
  type AuditVerdict,
  auditMatches,
  readAuditLine,
  verifyAudit,
} from '../../../projections/audit.ts';
import { asOkayDokki } from '../../../projections/audit-okaydokki.ts';
import { moment } from '../../../projections/moments.ts';
import { count } from '../../../projections/words.ts';
import { visible, visibleJson, visibleText } from '../../visible.ts';
import type { Deal, Desk } from '../desk.ts';
import { Failure, Misuse } from '../failure.ts';
import { indented, table } from '../layout.ts';
import { linesOf } from '../lines.ts';

const FORMATS = ['2.0', 'okaydokki-1.0'] as const;
/** Rows of a table that are kept until it can be drawn. */
const ROWS_MAX = 10_000;

interface SourceWish {
  readonly file?: string;
}

const fileSource = async (file: string): Promise<AsyncIterable<Uint8Array>> => {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) throw new Failure('There is no audit file there. Name one with --file, or start the service to have one.');
  return createReadStream(file);
};

/** The bytes of the audit: of a file that was named, of the running service, or of the data folder. */
const source = async (desk: Desk, { file }: SourceWish): Promise<AsyncIterable<Uint8Array>> => {
  if (file !== undefined) return fileSource(file);
  const api = await desk.connectIfRunning();
  if (api !== null) return api.open('GET', '/audit.jsonl');
  return fileSource((await desk.configuration()).configuration.auditFile);
};

/** Parsed lines, in their order. Throws `AuditFault` at one that cannot be read. */
async function* parsed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AuditLine> {
  let number = 0;
  for await (const text of linesOf(chunks)) yield readAuditLine(text, ++number);
}

async function* inFormat(chunks: AsyncIterable<Uint8Array>, format: string): AsyncGenerator<Uint8Array | string> {
  if (format === FORMATS[0]) yield* chunks;
  else for await (const line of asOkayDokki(parsed(chunks))) yield `${JSON.stringify(line)}\n`;
}

async function* bytesOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

interface ExportWish extends SourceWish {
  readonly output?: string;
  readonly format: string;
}

const exportAudit = async (desk: Desk, { output, format, ...from }: ExportWish): Promise<void> => {
  const chunks = inFormat(await source(desk, from), format);
  if (output === undefined) {
    // Every byte counts for a program; in front of a person none may be obeyed.
    if (desk.terminal.isSeen) for await (const line of linesOf(bytesOf(chunks))) desk.terminal.print(visibleText(line));
    else for await (const chunk of chunks) await desk.terminal.write(chunk);
    return;
  }
  await pipeline(Readable.from(chunks), createWriteStream(output, { mode: 0o600 }));
  desk.terminal.print(desk.json ? visibleJson({ written: output }) : `  The audit was written to ${output}.`);
};

const headOf = (typed: string | undefined): AuditHead | undefined => {
  if (typed === undefined) return undefined;
  const [, sequence, lineHash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(typed) ?? [];
  if (sequence === undefined || lineHash === undefined)
    throw new Misuse('--head is what an earlier verify printed: <number>:<64 digits>.');
  return { sequence: Number(sequence), lineHash };
};

/** A sentence for each line that is named, then what is proven all the same. */
const inWords = ({ lines, head, faults, faultCount, brokenAt }: Extract<AuditVerdict, { valid: false }>): string[] => [
  ...faults.map(({ sentence }) => sentence),
  ...(faultCount > faults.length ? [`So it is with ${faultCount - faults.length} more.`] : []),
  ...(brokenAt === null
    ? [
        `So it is not wholly what the service wrote. Its ${count(lines, 'line')} are one chain, and the other ${lines - faultCount} hold.`,
        `head ${head.sequence}:${head.lineHash}`,
      ]
    : [
        brokenAt.sentence,
        `${count(brokenAt.line - 1, 'line')} before it ${faultCount === 0 ? 'hold' : 'are one chain'}; none after it was looked at.`,
      ]),
];

const verify = async (desk: Desk, { head, ...from }: SourceWish & { readonly head?: string }): Promise<number> => {
  const { terminal, json } = desk;
  const verdict = await verifyAudit(linesOf(await source(desk, from)), headOf(head));
  if (json) terminal.print(visibleJson(verdict));
  else if (verdict.valid) {
    terminal.print(
      `  ${terminal.ink('good', 'The audit holds.')} ${count(verdict.lines, 'line')}; every hash was computed anew.`,
      ...(verdict.lines === 0 ? [] : [`  head ${verdict.head.sequence}:${verdict.head.lineHash}`]),
      ...(head === undefined && verdict.lines > 0
        ? [terminal.ink('faint', '  Keep the head elsewhere: with --head it shows later that nothing was cut off or rewritten.')]
        : []),
    );
  } else
    terminal.print(
      `  ${terminal.ink('bad', 'The audit does not hold.')}`,
      ...inWords(verdict).map((words) => `  ${visibleText(words)}`),
    );
  return verdict.valid ? 0 : 1;
};

interface ShowWish extends SourceWish {
  readonly task?: string;
  readonly type?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
}

const instant = (name: string, typed: string | undefined): string | undefined => {
  if (typed === undefined) return undefined;
  const time = Date.parse(typed);
  if (Number.isNaN(time)) throw new Misuse(`--${name} is a time such as 2026-03-01 or 2026-03-01T14:00Z.`);
  return new Date(time).toISOString();
};

const show = async (desk: Desk, { task, type, actor, since, until, ...from }: ShowWish): Promise<void> => {
  const { terminal, json } = desk;
  if (task === '') throw new Misuse('--task is the id of a task, or the beginning of it.');
  const [first, last] = [instant('since', since), instant('until', until)];
  const filter: AuditFilter = {
    ...(task !== undefined && { task }),
    ...(type !== undefined && { type }),
    ...(actor !== undefined && { actor }),
    ...(first !== undefined && { since: first }),
    ...(last !== undefined && { until: last }),
  };
  const rows: string[][] = [];
  for await (const line of parsed(await source(desk, from))) {
    if (!auditMatches(line, filter)) continue;
    if (json) terminal.print(visibleJson(line));
    else if (rows.length < ROWS_MAX) rows.push(auditRow(line));
    else
      throw new Failure(`More than ${ROWS_MAX} lines. Narrow them down with --task, --type, --since, or print them with --json.`);
  }
  if (json) return;
  terminal.print(...(rows.length === 0 ? ['  The audit holds no such line.'] : indented(auditTable(rows, desk), 2)));
};

const HEADER = [
  { title: 'line' },
  { title: 'time' },
  { title: 'event' },
  { title: 'by', flexible: true },
  { title: 'about' },
  { title: 'hash' },
];
const HASH_DIGITS = 8;

const UUID = /([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** `task-3f2a91c2`: enough of an id to tell it from others. */
const short = (name: string): string => name.replaceAll(UUID, '$1');

export const auditRow = (line: AuditLine): string[] => {
  const { sequence, type, metadata, stream, lineHash } = visible(line) as AuditLine; // The same shape, with texts made visible.
  const by = `${short(metadata.actor ?? '')}${metadata.channel === undefined ? '' : ` (${metadata.channel})`}`;
  return [
    String(sequence),
    metadata.at === undefined ? '' : moment(metadata.at),
    type,
    by,
    short(stream),
    lineHash.slice(0, HASH_DIGITS),
  ];
};

const auditTable = (rows: readonly (readonly string[])[], { terminal }: Pick<Desk, 'terminal'>): string[] =>
  table(
    HEADER,
    rows,
    (text, row, column) => (row < 0 || column === HEADER.length - 1 ? terminal.ink('faint', text) : text),
    terminal.tableColumns - 2,
  );

/** `audit`: who asked for, allowed and did what, in a chain of hashes that anybody can check. */
export const addAuditCommands = (program: Command, deal: Deal): void => {
  const audit = program
    .command('audit')
    .description('who asked for, allowed and did what, in a chain of hashes that anybody can check');
  const FILE = ['--file <path>', 'an audit file, read without any service'] as const;

  audit
    .command('export')
    .description('print the audit as it is, a JSON line an event')
    .option(...FILE)
    .option('--output <path>', 'write it to a file')
    .option('--format <format>', FORMATS.join(' or '), FORMATS[0])
    .action(
      deal((desk, wish: ExportWish) => {
        if (!FORMATS.some((format) => format === wish.format)) throw new Misuse(`--format is ${FORMATS.join(' or ')}.`);
        return exportAudit(desk, wish);
      }),
    );
  audit
    .command('verify')
    .description('compute every hash anew; ends with 1 when one does not hold')
    .option(...FILE)
    .option('--head <head>', 'the head that an earlier verify printed')
    .action(deal(verify));
  audit
    .command('show')
    .description('the audit as a table')
    .option(...FILE)
    .option('--task <id>', 'of one task: its id, or the beginning of it')
    .option('--type <event>', 'such as TaskApproved')
    .option('--actor <id>', 'a person id, or system:<worker>')
    .option('--since <time>', 'from then on')
    .option('--until <time>', 'before then')
    .action(deal(show));
};
