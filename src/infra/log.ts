import { type DestinationStream, destination, type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import type { Configuration } from './config/configuration.ts';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'level'>;

export interface LogOptions {
  readonly level: Configuration['logLevel'];
  readonly redact: (text: string) => string;
  /** Standard error by default, written at once: what a dying process said last is not lost. */
  readonly to?: DestinationStream;
}

const DEPTH_MAX = 6;
const CHARACTERS_MAX = 4_000;
const ENTRIES_MAX = 100;

/** Parts of requests and child processes that error objects bring along. */
const WITHHELD = /^(?:headers|rawheaders|authorization|cookie|set-cookie|env|environment|password|secret|token)$/i;

const STACK_LEVELS: ReadonlySet<string> = new Set(['debug', 'trace']);

const cut = (text: string): string => (text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX).toWellFormed()}…`);

/** What an error says, and what caused it; nothing else that hangs on it. */
const errorFields = (error: Error, withStack: boolean, depth: number): Record<string, unknown> => ({
  type: error.name,
  message: error.message,
  ...('code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? { code: error.code } : {}),
  ...(withStack ? { stack: error.stack } : {}),
  ...(error.cause instanceof Error && depth > 0 ? { cause: errorFields(error.cause, withStack, depth - 1) } : {}),
});

/** A copy that is safe to write down: errors by their words, bounded, without what is withheld. */
const plain = (value: unknown, withStack: boolean, depth: number): unknown => {
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Error) return errorFields(value, withStack, depth);
  if (value instanceof Date) return value;
  if (depth === 0 || ArrayBuffer.isView(value)) return '…';
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((item) => plain(item, withStack, depth - 1));
  const entries = Object.entries(value).slice(0, ENTRIES_MAX);
  return Object.fromEntries(
    entries.map(([key, item]) => [key, WITHHELD.test(key) ? '[withheld]' : plain(item, withStack, depth - 1)]),
  );
};

const redactedDeep = (value: unknown, redact: (text: string) => string): unknown => {
  if (typeof value === 'string') return cut(redact(value));
  if (Array.isArray(value)) return value.map((item) => redactedDeep(item, redact));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redactedDeep(item, redact)]));
};

/** Controls that a terminal obeys and separators that some readers of lines split at; JSON has escaped the rest already. */
const escapedLine = (json: string): string =>
  json.replaceAll(/[\u007f-\u009f\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * One JSON object a line. Every line passes the redactor as a whole, so nothing can be logged around it; stack traces appear from debug on.
 */
export const createLog = ({ level, redact, to = destination({ dest: 2, sync: true }) }: LogOptions): Log => {
  const withStack = STACK_LEVELS.has(level);
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    serializers: { err: (value) => value },
    formatters: {
      level: (label) => ({ level: label }),
      // Pino hands over an object of ours; the copy has the same keys.
      log: (fields) => plain(fields, withStack, DEPTH_MAX) as Record<string, unknown>,
    },
    hooks: { streamWrite: (line) => `${escapedLine(JSON.stringify(redactedDeep(JSON.parse(line), redact)))}\n` },
  };
  return pino(options, to);
};
