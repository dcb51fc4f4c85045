import { z } from '@hono/zod-openapi';
import { derivedId, PersonId } from '../../domain/ids.ts';
import { RepositoryPattern, Role } from '../../domain/person/events.ts';
import { nameOf } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import { PersonView, personView } from '../../projections/people.ts';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { Done, Name, OfPerson, Position, personSender, saltedText, whenFound } from './person-schemas.ts';
import { BadCall } from './problem.ts';
import { NOT_ERASABLE } from './redaction-route.ts';
import { addRoute, answers, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';
import { idempotencyKey, KeyHeader } from './task-schemas.ts';

const Grant = z.strictObject({ role: Role, repositories: RepositoryPattern }).openapi('Grant');
const Identities = z.array(z.object({ channel: z.string(), subject: z.string(), linkedAt: z.string() }));
const WhoAmI = z.object({ person_id: PersonId, name: z.string(), roles: z.array(Grant), identities: Identities });

const addReading = (api: Api, { people, views }: ApiOptions): void => {
  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/whoami',
      name: 'whoAmI',
      summary: 'The person of this token, and what they may do.',
      answers: { 200: answers(WhoAmI.openapi('WhoAmI')) },
    },
    ({ caller: { person } }) => {
      const { identities } = personView(person);
      return json({ person_id: person.personId, name: nameOf(person), roles: person.grants, identities });
    },
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
      method: 'get',
      path: '/api/v1/people/{personId}',
      name: 'getPerson',
      summary: 'One person as they are now, for admins and the person.',
      parameters: OfPerson,
      answers: { 200: answers(z.object({ person: PersonView }).openapi('PersonAnswer')) },
    },
    async ({ caller, parameters: { personId } }) => {
      if (caller.person.personId !== personId) demandAdmin(caller);
      const found = await people.get(personId);
      if (!found) throw new DomainError('person-not-found');
      return json({ person: personView(found) });
    },
  );
};

/** People and their roles. For admins, but for what is one's own. */
export const addPeopleRoutes = (api: Api, options: ApiOptions, reader: TaskReader): void => {
  const { clock, erasure } = options;
  const send = personSender(options, reader);
  addReading(api, options);

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/people',
      name: 'addPerson',
      summary: 'Make a person known, for admins.',
      headers: KeyHeader,
      body: z.strictObject({ name: Name }).openapi('NewPerson'),
      answers: { 201: answers(z.object({ person_id: PersonId, position: Position })) },
    },
    async ({ caller, body, header }) => {
      const key = idempotencyKey(header('idempotency-key'));
      const id = key === undefined ? clock.uuid() : derivedId(caller.person.personId, key, 'person');
      const personId = `person-${id}`;
      const done = await send(caller, { type: 'AddPerson', data: { personId, name: saltedText(clock, body.name) } }, id);
      return json({ person_id: personId, ...done }, 201);
    },
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/people/{personId}',
      name: 'erasePerson',
      summary: 'End every right, token, account and code of a person and erase what is known of them, for admins. For good.',
      parameters: OfPerson,
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters: { personId } }) => {
      demandAdmin(caller);
      if (!erasure) throw new BadCall(409, 'INVALID_ACTION', NOT_ERASABLE);
      return json(await whenFound(reader, erasure(caller.session, personId)));
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
};
