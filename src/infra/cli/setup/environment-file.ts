import { readFile } from 'node:fs/promises';
import { writeWholly } from '../../local-admin.ts';

/** A value as `.env` holds it: in quotes when it has characters that mean something there. Throws for what no line can hold. */
const quoted = (value: string): string => {
  if (/^[\w./:@,+=*-]*$/.test(value)) return value;
  const quote = ["'", '"', '`'].find((mark) => !value.includes(mark) && !(mark === '"' && value.includes('\\')));
  if (quote === undefined || /[\n\r\0]/.test(value))
    throw new RangeError('a value of .env is one line, with one kind of quotes at most');
  return `${quote}${value}${quote}`;
};

/** The text with these variables set: each where it stands, or where it stands commented out, or at the end. Everything else stays as it is. */
export const withVariables = (text: string, values: ReadonlyMap<string, string>): string => {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  for (const [name, value] of values) {
    const set = `${name}=${quoted(value)}`;
    const isSet = (line: string): boolean => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line);
    const isCommented = (line: string): boolean => new RegExp(`^#\\s*${name}=`).test(line);
    // The last line of a name is the one that counts.
    const at = Math.max(lines.findLastIndex(isSet), -1);
    const place = at >= 0 ? at : lines.findIndex(isCommented);
    if (place >= 0) lines[place] = set;
    else lines.push(set);
  }
  return `${lines.join('\n')}\n`;
};

/** Sets variables in `.env`, which is written anew whole, for this user only. `begin`: its text where there is none yet. Resolves to whether anything changed. */
export const setVariables = async (file: string, begin: string, values: ReadonlyMap<string, string>): Promise<boolean> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // One that cannot be read is not written over.
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  const changed = withVariables(text ?? begin, values);
  if (changed === text) return false;
  await writeWholly(file, changed);
  return true;
};
