import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Client } from '../support/client.ts';
import { GLANCE_MS, insist, PATIENCE_MS } from './insist.ts';
import type { Site } from './site.ts';
import type { Service } from './supervision.ts';

const GONE: ReadonlySet<number> = new Set([404, 409]);
/** Accounts and groups of newcomers: no writer has one of these. */
const [ACCOUNTS, GROUPS] = [500_000, -700_000];

/** Somebody who was made known, got rights, accounts and a token, and lost all of it again. */
export interface Newcomer {
  readonly name: string;
  /** The group that was allowed and forbidden on the way. */
  readonly group: string;
  /** `undefined` before anybody was told. */
  personId(): string | undefined;
  /** Nothing is known of them any more, which there is with an SQLite file only. */
  readonly isErased: boolean;
  isOver(): boolean;
  /** Why it ended before it was over. */
  broken(): string;
}

export interface Reception {
  /** An administrator is known to each process by itself, so this is always the same one. */
  readonly door: Pick<Service, 'client'>;
  readonly telegram: Site['telegram'];
  readonly wait: (ms: number) => Promise<void>;
}

const Known = z.object({ person: z.object({ identities: z.array(z.object({ channel: z.string(), subject: z.string() })) }) });
const Tokens = z.object({ tokens: z.array(z.object({ token_id: z.string() })) });

/** An administrator makes somebody known, lets them come in, and shows them out again. */
const goThrough = async (
  { door, telegram, wait }: Reception,
  { name, group, isErased }: Newcomer,
  number: number,
  told: (personId: string) => void,
): Promise<void> => {
  const ask = async <T>(shape: z.ZodType<T>, ...[method, path, body]: Parameters<Client['call']>): Promise<T> => {
    const key = { 'idempotency-key': randomUUID() };
    let tries = 0;
    const answer = await insist(async () => {
      tries += 1;
      return (await door.client()).call(method, path, body, key);
    }, wait);
    if (answer.status < 300) return shape.parse(answer.json());
    // What was taken away by a call that was not answered is not there to be taken away again.
    if (method === 'DELETE' && tries > 1 && GONE.has(answer.status)) return shape.parse({});
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  };
  const anything = z.unknown();
  const { person_id } = await ask(z.object({ person_id: z.string() }), 'POST', '/api/v1/people', { name });
  told(person_id);
  const path = `/api/v1/people/${person_id}`;
  const role = { role: 'viewer', repositories: '*' };
  await ask(anything, 'POST', `${path}/roles`, role);
  await ask(anything, 'POST', `${path}/identities`, { channel: 'telegram', subject: `${ACCOUNTS + 2 * number}` });

  const invite = () =>
    ask(z.object({ invitation_id: z.string(), say: z.string() }), 'POST', `${path}/invitations`, { channel: 'telegram' });
  const { invitation_id } = await invite();
  await ask(anything, 'DELETE', `${path}/invitations/${invitation_id}`);
  const invited = telegram.person({ id: ACCOUNTS + 2 * number + 1, firstName: name });
  const accounts = async () => (await ask(Known, 'GET', path)).person.identities;
  // A day may go by, and the code with it.
  while ((await accounts()).length < 2) {
    telegram.as(invited).send(telegram.privateChat(invited), (await invite()).say);
    const until = performance.now() + PATIENCE_MS;
    while ((await accounts()).length < 2 && performance.now() < until) await wait(GLANCE_MS);
  }

  await ask(anything, 'POST', `${path}/tokens`, { name: 'Calls' });
  // An answer that was lost leaves a token that nobody has.
  for (const { token_id } of (await ask(Tokens, 'GET', `${path}/tokens`)).tokens)
    await ask(anything, 'DELETE', `${path}/tokens/${token_id}`);
  await ask(anything, 'DELETE', `${path}/roles`, role);
  for (const account of await accounts()) await ask(anything, 'DELETE', `${path}/identities`, account);

  const { chat_id } = await ask(z.object({ chat_id: z.string() }), 'POST', '/api/v1/chats', {
    channel: 'telegram',
    subject: group,
  });
  await ask(anything, 'DELETE', `/api/v1/chats/${chat_id}`);
  if (isErased) await ask(anything, 'DELETE', path);
};

/** The `number`th newcomer, who comes at once. Resolves when they are gone. */
export const newcomer = (
  reception: Reception,
  number: number,
  isErased: boolean,
): { readonly somebody: Newcomer; readonly gone: Promise<void> } => {
  let [isOver, broken, id]: [boolean, string, string | undefined] = [false, 'it goes on', undefined];
  const somebody = {
    ...{ name: `Newcomer ${randomUUID()}`, group: `${GROUPS - number}`, isErased },
    ...{ isOver: () => isOver, personId: () => id, broken: () => broken },
  };
  const gone = goThrough(reception, somebody, number, (personId) => {
    id = personId;
  }).then(
    () => {
      isOver = true;
    },
    (error: unknown) => {
      broken = String(error);
    },
  );
  return { somebody, gone };
};
