import { z } from '@hono/zod-openapi';
import { Uuid } from '../../domain/ids.ts';
import { AccountChannel, AccountSubject } from '../../domain/person/identity.ts';
import type { Api, ApiOptions } from './context.ts';
import { Done, OfPerson, Position, personSender, Time, whenFound } from './person-schemas.ts';
import { addRoute, answers, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';

/** How long a code holds, in hours. */
const HOURS = 24;
const HOURS_MAX = 7 * 24;

const Account = z.strictObject({ channel: AccountChannel, subject: AccountSubject }).openapi('Account');
const NewInvitation = z
  .strictObject({ channel: AccountChannel.default('telegram'), hours: z.int().min(1).max(HOURS_MAX).default(HOURS) })
  .openapi('NewInvitation');
const Invitation = z
  .object({
    invitation_id: Uuid,
    code: z.string().describe('Shown this once; only its hash is stored.'),
    expires_at: Time,
    say: z.string().describe('What to send to the bot, in a private chat.'),
    link: z.string().nullable().describe('Says the same when it is opened on the phone; null while no bot is known.'),
    position: Position,
  })
  .openapi('Invitation');

/** Accounts on other channels that are a person here, linked by an admin or by a code. */
export const addAccountRoutes = (api: Api, options: ApiOptions, reader: TaskReader): void => {
  const { identities, botName } = options;
  const send = personSender(options, reader);

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/people/{personId}/identities',
      name: 'linkIdentity',
      summary: 'Say that an account is this person, for admins. An account is one person.',
      parameters: OfPerson,
      body: Account,
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters: { personId }, body: { channel, subject } }) =>
      json(await whenFound(reader, identities.link(caller.session, personId, channel, subject))),
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/people/{personId}/identities',
      name: 'unlinkIdentity',
      summary: 'Say that an account is this person no longer, for admins. It counts at once.',
      parameters: OfPerson,
      body: Account,
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters: { personId }, body: { channel, subject } }) =>
      json(await whenFound(reader, identities.unlink(caller.session, personId, channel, subject))),
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/people/{personId}/invitations',
      name: 'invitePerson',
      summary: 'Make a code with which a person links one account themselves, for admins. An open one becomes worthless.',
      parameters: OfPerson,
      body: NewInvitation,
      answers: { 201: answers(Invitation) },
    },
    async ({ caller, parameters: { personId }, body: { channel, hours } }) => {
      const invited = await identities.invite(caller.session, personId, channel, hours);
      const { invitationId, code, expiresAt, position } = invited;
      await reader.fresh(position);
      const bot = botName();
      const link = bot === null ? null : `https://t.me/${bot}?start=${code}`;
      return json({ invitation_id: invitationId, code, expires_at: expiresAt, say: `/start ${code}`, link, position }, 201);
    },
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/people/{personId}/invitations/{invitationId}',
      name: 'withdrawInvitation',
      summary: 'Make a code worthless, for admins.',
      parameters: OfPerson.extend({ invitationId: Uuid }),
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters }) => json(await send(caller, { type: 'WithdrawInvitation', data: parameters })),
  );
};
