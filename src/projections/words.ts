import type { Limits } from '../domain/limits.ts';
import { duration } from './moments.ts';

const TASK_DIGITS = 8;
const COMMIT_DIGITS = 10;
const DIGEST_DIGITS = 8;

/** Enough of a task's id to name it. */
export const shortTask = (taskId: string): string => taskId.slice(0, TASK_DIGITS);
export const shortCommit = (id: string): string => id.slice(0, COMMIT_DIGITS);
/** What is typed to approve. */
export const shortDigest = (digest: string): string => digest.slice(0, DIGEST_DIGITS);

const CHANNELS: Readonly<Record<string, string>> = { telegram: 'in Telegram', http: 'by the API', cli: 'on the command line' };

/** How somebody spoke to the service; the command line of a machine whose service runs does so by the API. */
export const channelInWords = (channel: string): string => CHANNELS[channel] ?? `by ${channel}`;

export const bytes = (count: number): string => {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  const power = count === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  const amount = count / 1024 ** power;
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${units[power]}`;
};

export const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

export const limitsInWords = (limits: Limits): string =>
  [
    `agent ${duration(limits.agentTimeoutMs)}, ${bytes(limits.agentOutputBytes)} of output`,
    `tests ${duration(limits.sandboxTimeoutMs)}, ${bytes(limits.sandboxMemoryBytes)} of memory, ${count(limits.sandboxProcessors, 'processor')}, ` +
      `${count(limits.sandboxProcesses, 'process', 'processes')}, ${bytes(limits.sandboxScratchBytes)} of scratch in ${limits.sandboxScratchInodes} files, ` +
      `${bytes(limits.sandboxOutputBytes)} of output`,
  ].join('; ');
