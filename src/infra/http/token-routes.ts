import { z } from '@hono/zod-openapi';
import { sha256 } from '../../domain/canonical.ts';
import { Uuid } from '../../domain/ids.ts';
import { DomainError } from '../../domain/refusals.ts';
import { textOf } from '../../domain/text.ts';
import { newToken } from '../token.ts';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { Done, Name, OfPerson, Position, personSender, saltedText, Time } from './person-schemas.ts';
import { addRoute, answers, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';

const NewToken = z.strictObject({ name: Name, expires_at: Time.nullable().optional() }).openapi('NewToken');
const IssuedToken = z.object({ token_id: Uuid, token: z.string(), position: Position }).openapi('IssuedToken');
const Tokens = z.array(
  z.object({
    token_id: Uuid,
    name: z.string(),
    issued_at: Time,
    expires_at: Time.nullable(),
    last_used_on: z.iso.date().nullable().describe('A day in UTC.'),
  }),
);

/** How people sign in here. For admins; the list also for the person. */
export const addTokenRoutes = (api: Api, options: ApiOptions, reader: TaskReader): void => {
  const { people, clock } = options;
  const send = personSender(options, reader);

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/people/{personId}/tokens',
      name: 'listTokens',
      summary: "A person's tokens, for admins and the person.",
      parameters: OfPerson,
      answers: { 200: answers(z.object({ tokens: Tokens }).openapi('Tokens')) },
    },
    async ({ caller, parameters: { personId } }) => {
      if (caller.person.personId !== personId) demandAdmin(caller);
      const found = await people.get(personId);
      if (!found) throw new DomainError('person-not-found');
      const tokens = found.tokens.map(({ tokenId, name, issuedAt, expiresAt, lastUsedOn }) => ({
        token_id: tokenId,
        name: textOf(name),
        issued_at: issuedAt,
        expires_at: expiresAt,
        last_used_on: lastUsedOn,
      }));
      return json({ tokens });
    },
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/people/{personId}/tokens',
      name: 'issueToken',
      summary: 'Make a token for a person, for admins. It is shown this once.',
      parameters: OfPerson,
      body: NewToken,
      answers: { 201: answers(IssuedToken) },
    },
    async ({ caller, parameters: { personId }, body }) => {
      const [token, tokenId, name] = [newToken(), clock.uuid(), saltedText(clock, body.name)];
      const data = { personId, tokenId, name, tokenHash: sha256(token), expiresAt: body.expires_at ?? null };
      const done = await send(caller, { type: 'IssueToken', data });
      return json({ token_id: tokenId, token, ...done }, 201);
    },
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/people/{personId}/tokens/{tokenId}',
      name: 'revokeToken',
      summary: 'Make a token worthless at once, for admins.',
      parameters: OfPerson.extend({ tokenId: Uuid }),
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters }) => json(await send(caller, { type: 'RevokeToken', data: parameters })),
  );
};
