import { z } from '@hono/zod-openapi';
import { stream } from 'hono/streaming';
import { sha256 } from '../../domain/canonical.ts';
import { derivedId, PersonId, RepositoryName, Uuid } from '../../domain/ids.ts';
import type { PersonCommand } from '../../domain/person/commands.ts';
import { RepositoryPattern, Role } from '../../domain/person/events.ts';
import { may } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import { type Text, textOf } from '../../domain/text.ts';
import { newToken } from '../token.ts';
import { type Caller, demand } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { idempotencyKey } from './task-schemas.ts';

const name = z.string().trim().min(1).max(100);
const ADMIN = { right: 'administer', repo: '*' } as const;

/** People, their roles and tokens; repositories; the views. For admins. */
export const addAdminRoutes = (api: Api, options: ApiOptions): void => {
  const { dispatch, people, clock, views, repositories } = options;
  const text = (words: string): Text => ({ text: words, salt: clock.uuid() });
  const send = (caller: Caller, command: PersonCommand, key?: string) =>
    dispatch({
      id: key === undefined ? clock.uuid() : derivedId(caller.person.personId, key),
      ...command,
      actor: caller.session.personId,
      channel: caller.session.channel,
      at: clock.now(),
    });
  const body = async <Schema extends z.ZodType>(context: { req: { json(): Promise<unknown> } }, schema: Schema) =>
    schema.parse(await context.req.json());

  api.get('/api/v1/whoami', (context) => {
    const { person } = context.get('caller');
    return context.json({ person_id: person.personId, name: textOf(person.name), roles: person.grants });
  });

  api.get('/api/v1/people', (context) => {
    demand(context.get('caller'), ADMIN);
    return context.json({ people: views.queries.listPeople() });
  });

  api.post('/api/v1/people', async (context) => {
    const caller = context.get('caller');
    const wish = await body(context, z.strictObject({ name }));
    const key = idempotencyKey(context.req.header('idempotency-key'));
    const personId = `person-${key === undefined ? clock.uuid() : derivedId(caller.person.personId, key, 'person')}`;
    const { position } = await send(caller, { type: 'AddPerson', data: { personId, name: text(wish.name) } }, key);
    return context.json({ person_id: personId, position }, 201);
  });

  api.on(['POST', 'DELETE'], '/api/v1/people/:personId/roles', async (context) => {
    const personId = PersonId.parse(context.req.param('personId'));
    const wish = await body(context, z.strictObject({ role: Role, repositories: RepositoryPattern }));
    const type = context.req.method === 'POST' ? 'GrantRole' : 'RevokeRole';
    const { position } = await send(context.get('caller'), { type, data: { personId, ...wish } });
    return context.json({ position });
  });

  api.get('/api/v1/people/:personId/tokens', async (context) => {
    const { person } = context.get('caller');
    const personId = PersonId.parse(context.req.param('personId'));
    if (person.personId !== personId && !may(person, ADMIN)) throw new DomainError('forbidden');
    const found = await people.get(personId);
    if (!found) throw new DomainError('person-not-found');
    const tokens = found.tokens.map(({ tokenId, name: label, issuedAt, expiresAt }) => ({
      token_id: tokenId,
      name: textOf(label),
      issued_at: issuedAt,
      expires_at: expiresAt,
    }));
    return context.json({ tokens });
  });

  api.post('/api/v1/people/:personId/tokens', async (context) => {
    const personId = PersonId.parse(context.req.param('personId'));
    const wish = await body(
      context,
      z.strictObject({ name, expires_at: z.iso.datetime({ precision: 3 }).nullable().optional() }),
    );
    const [token, tokenId] = [newToken(), clock.uuid()];
    const data = { personId, tokenId, name: text(wish.name), tokenHash: sha256(token), expiresAt: wish.expires_at ?? null };
    const { position } = await send(context.get('caller'), { type: 'IssueToken', data });
    return context.json({ token_id: tokenId, token, position }, 201);
  });

  api.delete('/api/v1/people/:personId/tokens/:tokenId', async (context) => {
    const personId = PersonId.parse(context.req.param('personId'));
    const tokenId = Uuid.parse(context.req.param('tokenId'));
    const { position } = await send(context.get('caller'), { type: 'RevokeToken', data: { personId, tokenId } });
    return context.json({ position });
  });

  api.get('/api/v1/repositories', async (context) => {
    const { person } = context.get('caller');
    const all = await repositories.list();
    return context.json({ repositories: all.filter((one) => may(person, { right: 'read', repo: one.name })) });
  });

  api.post('/api/v1/repositories', async (context) => {
    demand(context.get('caller'), ADMIN);
    const wish = await body(context, z.strictObject({ url: z.string().min(1).max(2_000), name: RepositoryName.optional() }));
    try {
      return context.json(await repositories.add(wish.url, wish.name), 201);
    } catch (error) {
      throw new BadCall(400, 'VALIDATION_ERROR', error instanceof Error ? error.message : 'The repository could not be added.');
    }
  });

  api.delete('/api/v1/repositories/:name{.+}', async (context) => {
    demand(context.get('caller'), ADMIN);
    const repository = RepositoryName.parse(context.req.param('name'));
    if (!(await repositories.list()).some((one) => one.name === repository)) {
      throw new BadCall(404, 'INVALID_ACTION', 'There is no such repository. List them with "countersign repo list".');
    }
    await repositories.remove(repository);
    return context.json({ removed: repository });
  });

  api.post('/api/v1/projections/rebuild', (context) => {
    demand(context.get('caller'), ADMIN);
    context.header('content-type', 'application/x-ndjson');
    return stream(context, async (out) => {
      await views.rebuild((progress) => void out.write(`${JSON.stringify(progress)}\n`).catch(() => undefined));
      await out.write('{"finished":true}\n');
    });
  });
};
