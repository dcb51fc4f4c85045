import { userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Api, pathOf } from '../api.ts';
import { PeopleAnswer, people } from '../commands/task-documents.ts';
import { shown } from '../desk.ts';
import { Misuse } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import type { Wish } from './choices.ts';
import type { Interview } from './interview.ts';
import type { Bot } from './telegram-bot.ts';

const LOCAL = 'Local administrator';
const CODE_WAIT_SECONDS = 600;
const CODE_WAIT_SECONDS_MAX = 86_400;
const LOOK_MS = 1_000;

const Added = z.object({ person_id: z.string() });
const Issued = z.object({ token: z.string() });
const Invited = z.object({ say: z.string(), link: z.string().nullable() });

type Person = z.infer<typeof PeopleAnswer>['people'][number];

interface Step {
  readonly api: Api;
  readonly interview: Interview;
  readonly terminal: Terminal;
  readonly wish: Wish;
}

const everybody = async (api: Api): Promise<readonly Person[]> => shown(await people(api), PeopleAnswer).people;

const isAdmin = ({ roles }: Person): boolean => roles.some(({ role, repositories }) => role === 'admin' && repositories === '*');

const nameOfUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    return 'admin';
  }
};

/** The person who runs the service: made an administrator, with a token that is shown once. Found again when setup is run again. */
export const ensureFirstPerson = async ({ api, interview, terminal, wish }: Step): Promise<Person> => {
  const known = (await everybody(api)).find(
    (person) => isAdmin(person) && person.name !== LOCAL && (wish.name ?? person.name) === person.name,
  );
  if (known !== undefined) {
    terminal.print(`  ${known.name} administers this service.`);
    return known;
  }
  const name = await interview.text({
    message: 'Your name, as others will see it',
    said: wish.name,
    fallback: nameOfUser(),
    flag: '--name',
  });
  const { person_id: id } = shown(await api.send('POST', '/people', { body: { name } }), Added);
  await api.send('POST', pathOf`/people/${id}/roles`, { body: { role: 'admin', repositories: '*' } });
  const { token } = shown(await api.send('POST', pathOf`/people/${id}/tokens`, { body: { name: 'from setup' } }), Issued);
  terminal.print(
    `  ${name} administers this service now. A token for the API and for other machines, shown this once:`,
    '',
    `  ${token}`,
    '',
  );
  const made = (await everybody(api)).find(({ personId }) => personId === id);
  if (made === undefined) throw new Error('a person that was just made is not there');
  return made;
};

const waitSeconds = (typed: string | undefined, isAsking: boolean): number => {
  if (typed === undefined) return isAsking ? CODE_WAIT_SECONDS : 0;
  const seconds = Number(typed);
  if (!/^\d+$/.test(typed) || seconds > CODE_WAIT_SECONDS_MAX)
    throw new Misuse(`--wait is a number of seconds, ${CODE_WAIT_SECONDS_MAX} at most.`);
  return seconds;
};

/** Resolves when a person presses Enter, if one sits there. */
const enter = (isAsking: boolean, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (!isAsking) return;
    const lines = createInterface({ input: process.stdin });
    signal.addEventListener('abort', () => lines.close());
    lines.once('line', () => resolve());
  });

const chatOf = ({ identities }: Person): string | undefined => identities.find(({ channel }) => channel === 'telegram')?.subject;

/** Makes a Telegram account the person's, by a code that is typed or opened on the phone, and sends it a first message. */
export const pairPhone = async (
  { api, interview, terminal, wish }: Step,
  { personId, name, ...person }: Person,
  bot: Bot,
): Promise<void> => {
  const paired = chatOf({ personId, name, ...person });
  if (paired !== undefined) {
    const trouble = await bot.send(paired, 'Countersign can reach you here.');
    terminal.print(`  ${trouble ?? `@${bot.name} knows you; a message is on your phone.`}`);
    return;
  }
  const { say, link } = shown(
    await api.send('POST', pathOf`/people/${personId}/invitations`, { body: { channel: 'telegram' } }),
    Invited,
  );
  terminal.print(`  On your phone open  ${link ?? `https://t.me/${bot.name}`}`, `  or write to @${bot.name}:  ${say}`, '');
  const seconds = waitSeconds(wish.wait, interview.isAsking);
  if (seconds === 0) return;
  terminal.print(`  Waiting for it${interview.isAsking ? '; Enter goes on without' : ''} …`);
  const over = new AbortController();
  const skipped = enter(interview.isAsking, over.signal).then(() => over.abort());
  const until = Date.now() + seconds * 1_000;
  while (Date.now() < until && !over.signal.aborted) {
    const chat = (await everybody(api)).filter((one) => one.personId === personId).map(chatOf)[0];
    if (chat !== undefined) {
      terminal.print(`  ${terminal.ink('good', 'Paired.')} This Telegram account is ${name} from now on.`);
      over.abort();
      return;
    }
    await Promise.race([pause(LOOK_MS), skipped]);
  }
  over.abort();
  terminal.print('  Nobody sent it yet; the code holds for 24 hours.');
};
