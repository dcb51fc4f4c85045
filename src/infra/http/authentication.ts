import type { MiddlewareHandler } from 'hono';
import type { Session } from '../../commands/door.ts';
import type { People } from '../../commands/people.ts';
import type { Clock } from '../../commands/ports/clock.ts';
import { sha256 } from '../../domain/canonical.ts';
import type { Need } from '../../domain/decider.ts';
import { may, type Person } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';

/** What a request knows once its token was checked. */
export interface Caller {
  readonly session: Session;
  readonly person: Person;
}

export type Variables = { caller: Caller };

/** Answered without a token: they say nothing about anybody. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/openapi.json']);

const BEARER = /^Bearer (cst_[A-Za-z0-9_-]{43})$/;

/**
 * Stands in front of the router: without a valid token every path but the open ones, spelled exactly, is refused, known or not. The person
 * is read from its stream, so a token that was revoked is worthless at once.
 */
export const authentication = (
  people: People,
  ownerOf: (tokenHash: string) => { readonly personId: string } | undefined,
  clock: Clock,
): MiddlewareHandler<{ Variables: Variables }> => {
  return async (context, next) => {
    if (OPEN_PATHS.has(context.req.path)) return next();
    const token = BEARER.exec(context.req.header('authorization') ?? '')?.[1];
    if (token === undefined) throw new DomainError('unauthorized');
    const tokenHash = sha256(token);
    const person = await people.byToken(ownerOf(tokenHash)?.personId, tokenHash, clock.now());
    context.set('caller', { person, session: { personId: person.personId, channel: 'http' } });
    return next();
  };
};

/** Throws `DomainError` `forbidden` unless the caller has the right. */
export const demand = ({ person }: Caller, need: Need): void => {
  if (!may(person, need)) throw new DomainError('forbidden');
};
