import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const META_FILE = 'agent.meta.json';
const META_BYTES_MAX = 16 * 1024;
const META_KEYS_MAX = 50;
const META_VALUE_LENGTH_MAX = 500;
const META_KEY = /^[A-Za-z0-9_.-]{1,100}$/;

export interface AgentMeta {
  readonly meta: Readonly<Record<string, string>>;
  /** Why the file was left aside, for the log. */
  readonly note?: string;
}

const without = (reason: string): AgentMeta => ({ meta: {}, note: `${META_FILE} was left aside: ${reason}.` });

/** Reads without following a link or waiting on a fifo; `null` when it is no regular file or too big. */
const readSmallFile = async (path: string): Promise<string | null> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) return null;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(META_BYTES_MAX + 1), 0, META_BYTES_MAX + 1, 0);
    return bytesRead > META_BYTES_MAX ? null : buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};

const flatStrings = (text: string): readonly (readonly [string, string])[] | null => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
  const entries: (readonly [string, string])[] = [];
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== 'string' || entry.length > META_VALUE_LENGTH_MAX || !META_KEY.test(key) || key === '__proto__')
      return null;
    entries.push([key, entry]);
  }
  return entries.length > META_KEYS_MAX ? null : entries;
};

/** What the agent says about itself in `agent.meta.json` of the out folder: all of it, or nothing and a note. Redacted. */
export const readAgentMeta = async (outFolder: string, redact: (text: string) => string): Promise<AgentMeta> => {
  try {
    const text = await readSmallFile(join(outFolder, META_FILE));
    if (text === null) return without(`it is no regular file of at most ${META_BYTES_MAX} bytes`);
    const entries = flatStrings(text);
    if (entries === null) {
      return without(
        `it must be one object of at most ${META_KEYS_MAX} plain names and strings of at most ${META_VALUE_LENGTH_MAX} characters`,
      );
    }
    // A name is stored as it is, so it cannot be mended as a value can.
    if (entries.some(([key]) => redact(key) !== key)) return without('a name in it looks like a secret');
    return { meta: Object.fromEntries(entries.map(([key, value]) => [key, redact(value).slice(0, META_VALUE_LENGTH_MAX)])) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // Only file system calls throw here.
    return code === 'ENOENT' ? { meta: {} } : without(code === 'ELOOP' ? 'it is a link' : 'it cannot be read');
  }
};
