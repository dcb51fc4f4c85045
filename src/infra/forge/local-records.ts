import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { ForgeRefusal } from '../../commands/ports/forge.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';

/** A pull request as the local forge keeps it: one file each, never removed, so its number is never given twice. */
export const LocalPullRequest = z.strictObject({
  number: z.int().min(1),
  url: z.string(),
  state: z.enum(['open', 'closed', 'merged']),
  draft: z.boolean(),
  branch: z.string(),
  base: z.string(),
  /** Head commit when it was opened, or when it was settled. */
  head: z.string(),
  title: z.string(),
  body: z.string(),
});
export type LocalPullRequest = z.infer<typeof LocalPullRequest>;

const Comment = z.strictObject({ marker: z.string(), body: z.string() });

/** The records of one repository. Everything is durable when it resolves; `OutsideFailure` when the disk refuses. */
export interface LocalRecords {
  /** Those of one branch, newest first, and the highest number in use when they were looked up. */
  ofBranch(branch: string): Promise<{ readonly records: readonly LocalPullRequest[]; readonly last: number }>;
  /** `null`: there is none. */
  read(number: number): Promise<LocalPullRequest | null>;
  /** `false`: the number was taken in the meantime, by this process or another. */
  create(record: LocalPullRequest): Promise<boolean>;
  replace(record: LocalPullRequest): Promise<void>;
  /** Nothing happens when there is a comment for `marker`. */
  comment(number: number, marker: string, body: string): Promise<void>;
  comments(number: number): Promise<string[]>;
}

export const localRecords = (folder: string): LocalRecords => {
  const file = (number: number): string => join(folder, `${number}.json`);
  const commentFolder = (number: number): string => join(folder, `${number}.comments`);

  /** A record's branch never changes, so each is read once to be found again. */
  const branches = new Map<number, string>();

  const read = async (number: number): Promise<LocalPullRequest> => {
    const record = parsed(LocalPullRequest, await readFile(file(number), 'utf8'), number);
    branches.set(number, record.branch);
    return record;
  };

  return {
    ofBranch: (branch) =>
      onDisk(async () => {
        const numbers = await numbersIn(folder);
        const records: LocalPullRequest[] = [];
        for (const number of numbers) {
          if ((branches.get(number) ?? branch) !== branch) continue;
          const record = await read(number);
          if (record.branch === branch) records.push(record);
        }
        return { records, last: numbers[0] ?? 0 };
      }),
    read: (number) => onDisk(async () => ((await numbersIn(folder)).includes(number) ? read(number) : null)),
    create: (record) => onDisk(() => placed(folder, file(record.number), record)),
    replace: (record) => onDisk(() => replaced(folder, file(record.number), record)),
    comment: (number, marker, body) =>
      onDisk(async () => {
        const name = createHash('sha256').update(marker).digest('hex');
        await placed(commentFolder(number), join(commentFolder(number), `${name}.json`), { marker, body });
      }),
    comments: (number) =>
      onDisk(async () => {
        const names = (await namesIn(commentFolder(number))).filter((name) => name.endsWith('.json'));
        const texts = await Promise.all(names.map((name) => readFile(join(commentFolder(number), name), 'utf8')));
        return texts.map((text) => parsed(Comment, text, number).body);
      }),
  };
};

const parsed = <T>(schema: z.ZodType<T>, text: string, number: number): T => {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new ForgeRefusal(
      `The local forge's record of pull request ${number} is damaged. Restore it from a backup, or move it away.`,
    );
  }
};

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** Runs `work`; an error of the file system becomes an `OutsideFailure` that names no path. */
const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (typeof code !== 'string') throw error;
    throw new OutsideFailure(`The folder of the local forge cannot be used (${code}). Check its disk and its permissions.`);
  }
};

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
};

/** Newest first. */
const numbersIn = async (folder: string): Promise<number[]> =>
  (await namesIn(folder))
    .flatMap((name) => (/^[1-9]\d{0,8}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []))
    .sort((a, b) => b - a);

const synced = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** What a process that was killed was about to put in its place. */
const TEMPORARY = /^\.[0-9a-f]{8}-[0-9a-f-]{27}$/;

/** Clears away what a killed process left below `folder`. Who is at it elsewhere at the same time tries again. */
export const clearUnplaced = async (folder: string): Promise<void> => {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  for (const name of names.filter((each) => TEMPORARY.test(basename(each))))
    await unlink(join(folder, name)).catch(() => undefined);
};

/** Writes `value` under a name of its own beside its place, whole and synced, and hands that name to `place`. */
const written = async <T>(folder: string, value: unknown, place: (temporary: string) => Promise<T>): Promise<T> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${randomUUID()}`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(JSON.stringify(value));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    return await place(temporary);
  } finally {
    await unlink(temporary).catch(() => undefined);
    await synced(folder);
  }
};

/** A link is made only where no name is, in one step and with the whole content behind it. */
const placed = (folder: string, path: string, value: unknown): Promise<boolean> =>
  written(folder, value, async (temporary) => {
    try {
      await link(temporary, path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
  });

const replaced = (folder: string, path: string, value: unknown): Promise<void> =>
  written(folder, value, (temporary) => rename(temporary, path));
