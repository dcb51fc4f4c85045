import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Dispatch } from '../commands/dispatch.ts';
import type { People } from '../commands/people.ts';
import type { Clock } from '../commands/ports/clock.ts';
import { sha256 } from '../domain/canonical.ts';
import { PersonId, Uuid } from '../domain/ids.ts';
import { Token } from '../domain/person/commands.ts';
import { may } from '../domain/person/index.ts';
import { ownText } from '../domain/text.ts';
import { newToken } from './token.ts';

const LocalAdmin = z.object({ personId: PersonId, token: Token });
export type LocalAdmin = z.infer<typeof LocalAdmin>;

/** What is this old was left by a process that was killed; another may be writing what is younger. In milliseconds. */
const UNFINISHED_STALE_MS = 60_000;

/** Removes what writes of `file` left beside it that were cut off: it may hold a token. */
const clearUnfinished = async (file: string): Promise<void> => {
  const begin = `${basename(file)}.`;
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(begin) || !Uuid.safeParse(name.slice(begin.length)).success) continue;
    const path = join(dirname(file), name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > UNFINISHED_STALE_MS) await rm(path, { force: true });
  }
};

/** Written whole or not at all, for this user only. */
export const writeWholly = async (file: string, text: string): Promise<void> => {
  await clearUnfinished(file);
  const fresh = `${file}.${crypto.randomUUID()}`;
  await writeFile(fresh, text, { mode: 0o600, flush: true });
  await chmod(fresh, 0o600);
  await rename(fresh, file);
};

export const writePrivately = (file: string, value: unknown): Promise<void> => writeWholly(file, `${JSON.stringify(value)}\n`);

/** The one that was made earlier; whether its token still counts is another question. */
export const knownLocalAdmin = async (file: string): Promise<LocalAdmin | undefined> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    return LocalAdmin.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/**
 * The admin that whoever may read the data folder is: the person and the token stand in `file` (0600). Made on the first start, and again when
 * the token was revoked, the right was taken, or the file is gone or damaged.
 */
export const ensureLocalAdmin = async (
  file: string,
  { dispatch, people, clock }: { readonly dispatch: Dispatch; readonly people: People; readonly clock: Clock },
): Promise<LocalAdmin> => {
  await clearUnfinished(file);
  const known = await knownLocalAdmin(file);
  if (known) {
    const person = await people.get(known.personId);
    const isAdmin = person && may(person, { right: 'administer', repo: '*' });
    if (isAdmin && person.tokens.some(({ tokenHash }) => tokenHash === sha256(known.token))) return known;
  }
  const { personId, token } = { personId: `person-${clock.uuid()}`, token: newToken() };
  const say = (type: string, data: object) =>
    dispatch({ id: clock.uuid(), type, data: { personId, ...data }, actor: 'system:setup', channel: 'system', at: clock.now() });
  await say('AddPerson', { name: ownText('Local administrator') });
  await say('GrantRole', { role: 'admin', repositories: '*' });
  await say('IssueToken', {
    tokenId: clock.uuid(),
    name: ownText('Command line of this machine'),
    tokenHash: sha256(token),
    expiresAt: null,
  });
  await writePrivately(file, { personId, token });
  return { personId, token };
};
