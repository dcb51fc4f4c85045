/** Longest piece of a line that is passed on as progress, in characters. */
const LINE_CHARACTERS_MAX = 500;
/** Most lines of one run that are passed on as progress; the log goes on. */
const LINES_MAX = 10_000;

export interface OutputLog {
  write(chunk: Buffer): void;
  /** What was kept, at most `bytesMax` bytes: everything, or the beginning and the end with a line between that says what is missing. */
  bytes(): Buffer;
}

/**
 * Keeps the first and the last half of an output: a failing test says what it was at the beginning and why at the end. Memory is
 * `bytesMax` however the output is cut into chunks.
 */
export const createOutputLog = (bytesMax: number): OutputLog => {
  const head = Buffer.alloc(Math.floor(bytesMax / 2));
  const tail = Buffer.alloc(bytesMax - head.length);
  let total = 0;

  const write = (chunk: Buffer): void => {
    const forHead = chunk.subarray(0, Math.max(0, head.length - total));
    forHead.copy(head, total);

    const rest = chunk.subarray(Math.max(forHead.length, chunk.length - tail.length));
    total += chunk.length;
    if (rest.length === 0) return;
    const at = (total - rest.length - head.length) % tail.length;
    const copied = rest.copy(tail, at);
    rest.copy(tail, 0, copied);
  };

  const bytes = (): Buffer => {
    if (total <= head.length) return Buffer.from(head.subarray(0, total));
    if (total <= bytesMax) return Buffer.concat([head, tail.subarray(0, total - head.length)]);

    const oldest = (total - head.length) % tail.length;
    const end = Buffer.concat([tail.subarray(oldest), tail.subarray(0, oldest)]);
    const notice = Buffer.from(`\n... about ${total - bytesMax} bytes of output are left out here ...\n`);
    return Buffer.concat([head, notice, end.subarray(notice.length)]).subarray(0, bytesMax);
  };

  return { write, bytes };
};

export interface OutputLines {
  write(chunk: Buffer): void;
  /** Passes on a last line without a line end. */
  end(): void;
}

/** Cuts an output into lines for `onLine`, empty ones left out; what a progress bar overwrites with `\r` is a line each. */
export const createOutputLines = (onLine: (line: string) => void): OutputLines => {
  const decoder = new TextDecoder();
  let partial = '';
  let left = LINES_MAX;

  const pass = (line: string): void => {
    if (line === '' || left === 0) return;
    left--;
    onLine(line.slice(0, LINE_CHARACTERS_MAX));
  };

  const write = (chunk: Buffer): void => {
    if (left === 0) return;
    const lines = (partial + decoder.decode(chunk, { stream: true })).split(/[\r\n]/);
    partial = (lines.pop() ?? '').slice(0, LINE_CHARACTERS_MAX);
    lines.forEach(pass);
  };

  return { write, end: () => pass(partial) };
};
