import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A line longer than this is cut, in characters: memory stays bounded whatever an agent prints. */
const LINE_LENGTH_MAX = 256 * 1024;
/** Longest secret that is still found where a line is cut: this much is left out of the log there, for it may be the start of one. */
const SECRET_LENGTH_MAX = 8 * 1024;
/** Lines of a private key wait for its end up to this many characters, for only a whole one is recognised. */
const PRIVATE_KEY_LENGTH_MAX = 16 * 1024;
/** Kept free for the note on what was left out. */
const NOTE_BYTES_MAX = 256;

export interface Output {
  /** Follows a stream to its end; `onLine` gets each line as it was written, not redacted. */
  follow(stream: Readable, onLine: (line: string) => void): void;
  /** Adds a line of ours. */
  note(sentence: string): void;
  /** All streams in the order their lines ended, redacted, never more than the limit. */
  log(): Buffer;
}

/** How much of `lines` may be redacted now: up to the line where a private key begins that has not ended yet. */
const redactableLength = (lines: string): number => {
  const begin = lines.lastIndexOf('-----BEGIN ');
  if (begin === -1 || lines.length - begin > PRIVATE_KEY_LENGTH_MAX || lines.includes('-----END ', begin)) return lines.length;
  return lines.lastIndexOf('\n', begin) + 1;
};

/** Collects what an agent prints. What goes beyond `bytesMax` is read and dropped, so the agent neither waits nor fills memory. */
export const createOutput = (options: { readonly bytesMax: number; readonly redact: (text: string) => string }): Output => {
  const { bytesMax, redact } = options;
  const kept: Buffer[] = [];
  const unfinished = new Set<() => void>();
  let room = Math.max(0, bytesMax - NOTE_BYTES_MAX);
  let droppedBytes = 0;

  const keep = (redacted: string): void => {
    const bytes = Buffer.from(redacted);
    const fitting = bytes.subarray(0, room);
    kept.push(fitting);
    room -= fitting.length;
    droppedBytes += bytes.length - fitting.length;
  };
  const write = (lines: string): void => {
    if (room > 0) keep(redact(lines));
    else droppedBytes += Buffer.byteLength(lines);
  };
  const writeStart = (line: string): void => {
    if (room > 0) keep(`${redact(line).slice(0, -SECRET_LENGTH_MAX)} [the rest of this line was left out]\n`);
    else droppedBytes += Buffer.byteLength(line);
  };

  const follow = (stream: Readable, onLine: (line: string) => void): void => {
    const decoder = new StringDecoder('utf8');
    let held = ''; // Whole lines that wait for the end of a private key.
    let partial: string[] = [];
    let partialLength = 0;
    let skipping = false;

    const takeLines = (lines: string): void => {
      const waiting = held + lines;
      const length = redactableLength(waiting);
      held = waiting.slice(length);
      if (length > 0) write(waiting.slice(0, length));
      for (const line of lines.split('\n').slice(0, -1)) onLine(line);
    };
    const forgetPartial = (): string => {
      const text = partial.join('');
      partial = [];
      partialLength = 0;
      return text;
    };
    const take = (chunk: string): void => {
      let text = chunk;
      if (skipping) {
        const end = text.indexOf('\n');
        if (end === -1) return;
        text = text.slice(end + 1);
        skipping = false;
      }
      const end = text.lastIndexOf('\n') + 1;
      if (end > 0) takeLines(forgetPartial() + text.slice(0, end));
      partial.push(text.slice(end));
      partialLength += text.length - end;
      if (partialLength <= LINE_LENGTH_MAX) return;
      skipping = true;
      writeStart(held + forgetPartial());
      held = '';
    };
    const finish = (): void => {
      if (!unfinished.delete(finish)) return;
      take(decoder.end());
      const last = forgetPartial();
      if (held + last !== '') write(`${held}${last}${last === '' ? '' : '\n'}`);
      if (last !== '') onLine(last);
    };

    unfinished.add(finish);
    stream.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
    stream.once('close', finish);
    stream.on('error', () => {});
  };

  return {
    follow,
    note: (sentence) => keep(`[countersign] ${redact(sentence)}\n`),
    log: () => {
      for (const finish of unfinished) finish();
      if (droppedBytes === 0) return Buffer.concat(kept);
      const note = `\n[countersign] The output went on beyond the limit of ${bytesMax} bytes; ${droppedBytes} bytes were left out.\n`;
      return Buffer.concat([...kept, Buffer.from(note)]).subarray(0, bytesMax);
    },
  };
};
