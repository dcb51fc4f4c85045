import type { MiddlewareHandler } from 'hono';
import type { Session } from '../../commands/door.ts';
import type { TokenUse } from '../../commands/token-use.ts';
import { type Digest, sha256 } from '../../domain/canonical.ts';
import type { Need } from '../../domain/decider.ts';
import { may, type Person } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import type { ApiOptions, Bindings } from './context.ts';

/** What a request knows once its token was checked. */
export interface Caller {
  readonly session: Session;
  readonly person: Person;
  readonly tokenHash: Digest;
}

export type Variables = { caller: Caller };

/** Answered without a token: they say nothing about anybody. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json']);

/** The name of the scheme may be written in either case (RFC 9110). */
const BEARER = /^[Bb]earer (cst_[A-Za-z0-9_-]{43})$/;

/** Most tokens whose owner is remembered. */
const OWNERS_MAX = 1_000;

/**
 * Stands in front of the router: without a valid token every path but the open ones, spelled exactly, is refused, known or not. Tokens are
 * compared by their SHA-256, and the person is read from its stream: a token that was revoked is worthless at once.
 */
export const authentication = ({
  people,
  views,
  clock,
  used,
}: Pick<ApiOptions, 'people' | 'views' | 'clock'> & { readonly used: TokenUse }): MiddlewareHandler<{
  Variables: Variables;
  Bindings: Bindings;
}> => {
  // A token has one owner for ever, so this is never wrong; whether the token is still the owner's is asked each time.
  const owners = new Map<Digest, string>();

  const ownerOf = (tokenHash: Digest): string | undefined => {
    const known = owners.get(tokenHash) ?? views.queries.personByTokenHash(tokenHash)?.personId;
    if (known === undefined) return undefined;
    if (owners.size >= OWNERS_MAX) owners.clear();
    owners.set(tokenHash, known);
    return known;
  };

  return async (context, next) => {
    if (OPEN_PATHS.has(context.req.path)) return next();
    const token = BEARER.exec(context.req.header('authorization') ?? '')?.[1];
    if (token === undefined) throw new DomainError('unauthorized');
    const tokenHash = sha256(token);
    const now = clock.now();
    const person = await people.byToken(ownerOf(tokenHash), tokenHash, now);
    used(person, tokenHash, now);
    context.env.isOf?.(person.personId);
    context.set('caller', { person, tokenHash, session: { personId: person.personId, channel: 'http' } });
    return next();
  };
};

/** Throws `DomainError` `forbidden` unless the caller has the right. */
export const demand = ({ person }: Caller, need: Need): void => {
  if (!may(person, need)) throw new DomainError('forbidden');
};

/** Throws `DomainError` `forbidden` unless the caller administers everything. */
export const demandAdmin = (caller: Caller): void => demand(caller, { right: 'administer', repo: '*' });
