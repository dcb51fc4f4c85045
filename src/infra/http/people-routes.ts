import { z } from '@hono/zod-openapi';
import { sha256 } from '../../domain/canonical.ts';
import { derivedId, PersonId, Uuid } from '../../domain/ids.ts';
import type { PersonCommand } from '../../domain/person/commands.ts';
import { RepositoryPattern, Role } from '../../domain/person/events.ts';
import { DomainError } from '../../domain/refusals.ts';
import { type Text, textOf } from '../../domain/text.ts';
import { PersonView } from '../../projections/people.ts';
import { newToken } from '../token.ts';
import { type Caller, demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { addRoute, answers, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';
import { idempotencyKey, KeyHeader } from './task-schemas.ts';

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((text) => !text.includes('\0'), { error: 'must not hold NUL characters' });
const at = z.iso.datetime({ precision: 3 });
const position = z.string().nullable();
const OfPerson = z.object({ personId: PersonId });
const OfToken = OfPerson.extend({ tokenId: Uuid });
const Grant = z.strictObject({ role: Role, repositories: RepositoryPattern }).openapi('Grant');
const NewToken = z.strictObject({ name, expires_at: at.nullable().optional() }).openapi('NewToken');
const Tokens = z.array(z.object({ token_id: Uuid, name: z.string(), issued_at: at, expires_at: at.nullable() }));
const Done = z.object({ position });

/** People, their roles and their tokens. For admins, but for what is one's own. */
export const addPeopleRoutes = (api: Api, options: ApiOptions, reader: TaskReader): void => {
  const { dispatch, people, clock, views } = options;
  const text = (words: string): Text => ({ text: words, salt: clock.uuid() });

  /** Whoever is told that it is done finds it done. */
  const send = async ({ session }: Caller, command: PersonCommand, id = clock.uuid()): Promise<{ position: string | null }> => {
    const { position } = await dispatch({
      id,
      ...command,
      actor: session.personId,
      channel: session.channel,
      at: clock.now(),
    });
    await reader.fresh(position);
    return { position };
  };

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/whoami',
      name: 'whoAmI',
      summary: 'The person of this token, and what they may do.',
      answers: { 200: answers(z.object({ person_id: PersonId, name: z.string(), roles: z.array(Grant) }).openapi('WhoAmI')) },
    },
    ({ caller: { person } }) => json({ person_id: person.personId, name: textOf(person.name), roles: person.grants }),
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/people',
      name: 'listPeople',
      summary: 'Everybody known here, for admins.',
      answers: { 200: answers(z.object({ people: z.array(PersonView) }).openapi('People')) },
    },
    ({ caller }) => {
      demandAdmin(caller);
      return json({ people: views.queries.listPeople() });
    },
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/people',
      name: 'addPerson',
      summary: 'Make a person known, for admins.',
      headers: KeyHeader,
      body: z.strictObject({ name }).openapi('NewPerson'),
      answers: { 201: answers(z.object({ person_id: PersonId, position })) },
    },
    async ({ caller, body, header }) => {
      const key = idempotencyKey(header('idempotency-key'));
      const id = key === undefined ? clock.uuid() : derivedId(caller.person.personId, key, 'person');
      const personId = `person-${id}`;
      const done = await send(caller, { type: 'AddPerson', data: { personId, name: text(body.name) } }, id);
      return json({ person_id: personId, ...done }, 201);
    },
  );

  for (const [method, type, what, summary] of [
    ['post', 'GrantRole', 'grantRole', 'Give a person a role, for admins.'],
    ['delete', 'RevokeRole', 'revokeRole', 'Take a role back, for admins.'],
  ] as const) {
    addRoute(
      api,
      {
        method,
        path: '/api/v1/people/{personId}/roles',
        name: what,
        summary,
        parameters: OfPerson,
        body: Grant,
        answers: { 200: answers(Done) },
      },
      async ({ caller, parameters, body }) => json(await send(caller, { type, data: { ...parameters, ...body } })),
    );
  }

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
      const tokens = found.tokens.map(({ tokenId, name: label, issuedAt, expiresAt }) => ({
        token_id: tokenId,
        name: textOf(label),
        issued_at: issuedAt,
        expires_at: expiresAt,
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
      answers: { 201: answers(z.object({ token_id: Uuid, token: z.string(), position }).openapi('IssuedToken')) },
    },
    async ({ caller, parameters: { personId }, body }) => {
      const [token, tokenId] = [newToken(), clock.uuid()];
      const data = { personId, tokenId, name: text(body.name), tokenHash: sha256(token), expiresAt: body.expires_at ?? null };
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
      parameters: OfToken,
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters }) => json(await send(caller, { type: 'RevokeToken', data: parameters })),
  );
};
