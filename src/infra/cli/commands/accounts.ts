import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { AccountChannel } from '../../../domain/person/identity.ts';
import { moment } from '../../../projections/moments.ts';
import { pathOf } from '../api.ts';
import type { Deal, Desk } from '../desk.ts';
import { Misuse } from '../failure.ts';
import { PERSON, personOf, Stored } from './named-person.ts';

const Invitation = z.object({ code: z.string(), expires_at: z.string(), say: z.string(), link: z.string().nullable() });

const HOURS_MAX = 7 * 24;

const change = async (desk: Desk, method: 'POST' | 'DELETE', typed: string, channel: string, subject: string): Promise<void> => {
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  const document = await api.send(method, pathOf`/people/${personId}/identities`, { body: { channel, subject } });
  desk.answer(document, Stored, () => [
    `  The ${channel} account ${subject} is ${method === 'POST' ? `${name} from now on` : `no longer ${name}`}.`,
  ]);
};

const hoursOf = (typed: string): number => {
  if (!/^\d{1,3}$/.test(typed) || Number(typed) < 1 || Number(typed) > HOURS_MAX)
    throw new Misuse(`--hours is a whole number from 1 to ${HOURS_MAX}.`);
  return Number(typed);
};

const invite = async (desk: Desk, typed: string, wish: { readonly hours: string }): Promise<void> => {
  const hours = hoursOf(wish.hours);
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  const document = await api.send('POST', pathOf`/people/${personId}/invitations`, { body: { channel: 'telegram', hours } });
  desk.answer(document, Invitation, ({ say, link, expires_at }) => [
    `  Whoever sends this to the bot, in a private chat, is ${name} from then on:`,
    '',
    `  ${say}`,
    ...(link === null ? [] : ['', '  or opens this on the phone:', '', `  ${link}`]),
    '',
    `  It is shown this once, works once, and holds until ${moment(expires_at)}. Another "person invite" makes it worthless.`,
  ]);
};

const CHANNEL = new Argument('<channel>', 'where the account is').choices(AccountChannel.options);
const SUBJECT = ['<id>', 'the number of the account; the bot tells it to whoever asks'] as const;

/** `person link`, `unlink` and `invite`: which accounts elsewhere are a person here. */
export const addAccountCommands = (person: Command, deal: Deal): void => {
  person
    .command('invite')
    .description('make a code with which a person links their Telegram account themselves')
    .argument(...PERSON)
    .option('--hours <number>', 'how long it holds', '24')
    .action(deal((desk, who: string, wish: { hours: string }) => invite(desk, who, wish)));
  for (const [verb, method, about] of [
    ['link', 'POST', 'say that an account is a person, for example: link Ada telegram 4711'],
    ['unlink', 'DELETE', 'say that an account is a person no longer; it counts at once'],
  ] as const) {
    person
      .command(verb)
      .description(about)
      .argument(...PERSON)
      .addArgument(CHANNEL)
      .argument(...SUBJECT)
      .action(deal((desk, who: string, channel: string, subject: string) => change(desk, method, who, channel, subject)));
  }
};
