import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';

const STYLES = {
  strong: 'bold',
  faint: 'dim',
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  accent: 'cyan',
} as const;
export type Style = keyof typeof STYLES;

/** Longest line that is comfortable to read. */
const COLUMNS_MAX = 96;
const COLUMNS_MIN = 40;

/** Where the command line speaks. Pages go to standard output, complaints to standard error. */
export interface Terminal {
  print(...lines: readonly string[]): void;
  complain(...lines: readonly string[]): void;
  /** Writes as it is, resolving when there is room for more. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Width of a page, in columns. */
  readonly columns: number;
  /** Width that a table is cut to; infinite where nobody looks, so nothing is lost in a pipe. */
  readonly tableColumns: number;
  /** Pages are seen by a person, or by whatever a terminal obeys. */
  readonly isSeen: boolean;
  /** A person sits at both ends. */
  readonly isInteractive: boolean;
  /** Colours, where they can be seen and NO_COLOR does not stand. */
  ink(style: Style, text: string): string;
  /** `true` only for a typed `y` or `yes`; `null` when the input ends before an answer. */
  confirm(question: string): Promise<boolean | null>;
  /** Shows how far something is: a bar that redraws itself for a person, a line now and then otherwise. */
  progress(label: string): Progress;
}

export interface Progress {
  /** `total` is `null` while nobody knows. */
  update(done: number, total: number | null): void;
  end(): void;
}

interface Streams {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly complaints: Writable & { readonly isTTY?: boolean };
}

const BAR_CELLS = 30;
const REDRAW_MS = 80;
const LINE_MS = 2_000;

const barOf = (done: number, total: number | null): string => {
  if (total === null || total === 0) return `${done}`;
  const filled = Math.min(BAR_CELLS, Math.floor((done / total) * BAR_CELLS));
  return `${'━'.repeat(filled)}${'─'.repeat(BAR_CELLS - filled)} ${Math.floor((done / total) * 100)} %  ${done} of ${total}`;
};

const progressOn = (output: Streams['output'], label: string): Progress => {
  const redraws = output.isTTY === true;
  let last = { done: 0, total: null as number | null };
  let drawnAt = 0;
  const draw = (): void => {
    const text = redraws ? barOf(last.done, last.total) : `${last.done}${last.total === null ? '' : ` of ${last.total}`}`;
    output.write(redraws ? `\r\x1b[K${label}  ${text}` : `${label}: ${text}\n`);
    drawnAt = Date.now();
  };
  return {
    update: (done, total) => {
      last = { done, total };
      if (Date.now() - drawnAt >= (redraws ? REDRAW_MS : LINE_MS)) draw();
    },
    end: () => {
      draw();
      if (redraws) output.write('\n');
    },
  };
};

const confirmOn = (input: Readable, output: Writable, question: string): Promise<boolean | null> =>
  new Promise((resolve) => {
    const lines = createInterface({ input, output });
    let isYes: boolean | null = null;
    lines.once('close', () => resolve(isYes));
    lines.question(`${question} [y/n] `, (answer) => {
      isYes = /^\s*y(es)?\s*$/i.test(answer);
      lines.close();
    });
  });

const createTerminal = ({ input, output, complaints }: Streams): Terminal => ({
  print: (...lines) => void output.write(lines.map((line) => `${line}\n`).join('')),
  complain: (...lines) => void complaints.write(lines.map((line) => `${line}\n`).join('')),
  write: (chunk) =>
    new Promise((resolve, reject) => {
      output.write(chunk, (error) => (error ? reject(error) : resolve()));
    }),
  columns: Math.max(COLUMNS_MIN, Math.min(COLUMNS_MAX, output.columns ?? COLUMNS_MAX)),
  tableColumns: output.isTTY === true ? (output.columns ?? COLUMNS_MAX) : Number.POSITIVE_INFINITY,
  isSeen: output.isTTY === true,
  isInteractive: input.isTTY === true && output.isTTY === true,
  ink: (style, text) => styleText(STYLES[style], text, { stream: output }),
  confirm: (question) => confirmOn(input, output, question),
  progress: (label) => progressOn(output, label),
});

/** The terminal of this process; `quietOutput` sends pages to standard error, which leaves standard output to one JSON line. */
export const processTerminal = (quietOutput = false): Terminal =>
  createTerminal({ input: process.stdin, output: quietOutput ? process.stderr : process.stdout, complaints: process.stderr });
