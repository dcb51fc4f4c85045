import { stripVTControlCharacters } from 'node:util';

const PROGRESS_INTERVAL_MS = 500;
const PROGRESS_LENGTH_MAX = 200;
/** Longest text that is looked at for one line; far more than is shown, so that a secret at the cut is seen whole. */
const SOURCE_LENGTH_MAX = 16 * 1024;

export interface Progress {
  say(line: string): void;
  /** Says nothing more. */
  stop(): void;
}

/** One line without control, format or direction characters, at most 200 characters; empty when nothing is left. */
export const progressLine = (line: string, redact: (text: string) => string): string => {
  const plain = stripVTControlCharacters(redact(line.slice(0, SOURCE_LENGTH_MAX)))
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim();
  const characters = [...plain];
  return characters.length <= PROGRESS_LENGTH_MAX ? plain : `${characters.slice(0, PROGRESS_LENGTH_MAX - 1).join('')}…`;
};

/** Passes on the newest line, at most one each half second: the first at once, the last of a burst when its half second is over. */
export const createProgress = (onProgress: (line: string) => void, redact: (text: string) => string): Progress => {
  let newest: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const pass = (): void => {
    timer = undefined;
    if (newest === undefined) return;
    const line = progressLine(newest, redact);
    newest = undefined;
    if (line === '') return;
    timer = setTimeout(pass, PROGRESS_INTERVAL_MS);
    onProgress(line);
  };
  return {
    say: (line) => {
      if (stopped) return;
      newest = line;
      if (timer === undefined) pass();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
