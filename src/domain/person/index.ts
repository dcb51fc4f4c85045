import type { Digest } from '../canonical.ts';
import type { Kind, Need, Right } from '../decider.ts';
import type { Command, Happened } from '../event.ts';
import { DomainError } from '../refusals.ts';
import { type Text, textOf } from '../text.ts';
import { type PersonCommand, type PersonCommandData, personCommands } from './commands.ts';
import { type PersonEvent, personEvents, type Role } from './events.ts';

interface Grant {
  readonly role: Role;
  readonly repositories: string;
}

export interface IssuedToken {
  readonly tokenId: string;
  readonly tokenHash: Digest;
  readonly name: Text;
  readonly issuedAt: string;
  readonly expiresAt: string | null;
}

export interface Person {
  readonly personId: string;
  readonly name: Text;
  readonly grants: readonly Grant[];
  /** Valid ones and expired ones; a revoked token is gone. */
  readonly tokens: readonly IssuedToken[];
}

const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  viewer: ['read'],
  requester: ['read', 'request'],
  approver: ['read', 'approve'],
  admin: ['read', 'request', 'approve', 'administer'],
};

const covers = (pattern: string, repo: string): boolean =>
  pattern === '*' || pattern === repo || (pattern.endsWith('/*') && repo.startsWith(pattern.slice(0, -1)));

/** Whether one of the person's roles gives the right for the repository. `*` as the repository asks for a right over all of them. */
export const may = (person: Person, { right, repo }: Need): boolean =>
  person.grants.some((grant) => RIGHTS[grant.role].includes(right) && covers(grant.repositories, repo));

const sameGrant = (a: Grant, b: Grant): boolean => a.role === b.role && a.repositories === b.repositories;

const isAdminOfAll = (grant: Grant): boolean => grant.role === 'admin' && grant.repositories === '*';

const grant = ({ personId, role, repositories }: PersonCommandData<'GrantRole'>, person: Person): PersonEvent[] =>
  person.grants.some((held) => sameGrant(held, { role, repositories }))
    ? []
    : [{ type: 'RoleGranted', data: { personId, role, repositories } }];

const revokeRole = (data: PersonCommandData<'RevokeRole'>, person: Person, actor: string): PersonEvent[] => {
  if (!person.grants.some((held) => sameGrant(held, data))) return [];
  // Somebody must be able to grant it again, so nobody takes the last right from themselves.
  if (isAdminOfAll(data) && actor === person.personId) throw new DomainError('last-admin');
  return [{ type: 'RoleRevoked', data }];
};

const issue = (data: PersonCommandData<'IssueToken'>, person: Person): PersonEvent[] =>
  person.tokens.some(({ tokenId }) => tokenId === data.tokenId) ? [] : [{ type: 'TokenIssued', data }];

const revokeToken = (data: PersonCommandData<'RevokeToken'>, person: Person): PersonEvent[] => {
  if (!person.tokens.some(({ tokenId }) => tokenId === data.tokenId)) throw new DomainError('token-not-found');
  return [{ type: 'TokenRevoked', data }];
};

const decide = (command: PersonCommand & Pick<Command, 'actor'>, person: Person | null): PersonEvent[] => {
  if (command.type === 'AddPerson') {
    if (!person) return [{ type: 'PersonAdded', data: command.data }];
    if (textOf(person.name) !== textOf(command.data.name)) throw new DomainError('person-exists');
    return [];
  }
  if (!person) throw new DomainError('person-not-found');
  switch (command.type) {
    case 'GrantRole':
      return grant(command.data, person);
    case 'RevokeRole':
      return revokeRole(command.data, person, command.actor);
    case 'IssueToken':
      return issue(command.data, person);
    case 'RevokeToken':
      return revokeToken(command.data, person);
  }
};

const evolve = (person: Person | null, event: PersonEvent & Pick<Happened, 'at'>): Person | null => {
  if (event.type === 'PersonAdded') return person ?? { ...event.data, grants: [], tokens: [] };
  if (!person) return null;
  switch (event.type) {
    case 'RoleGranted':
      return { ...person, grants: [...person.grants, { role: event.data.role, repositories: event.data.repositories }] };
    case 'RoleRevoked':
      return { ...person, grants: person.grants.filter((held) => !sameGrant(held, event.data)) };
    case 'TokenIssued':
      return { ...person, tokens: [...person.tokens, { ...event.data, issuedAt: event.at }] };
    case 'TokenRevoked':
      return { ...person, tokens: person.tokens.filter(({ tokenId }) => tokenId !== event.data.tokenId) };
    case 'IdentityLinked':
    case 'IdentityUnlinked':
      return person;
  }
};

const beginnings: Readonly<Record<string, readonly PersonEvent['type'][]>> = {
  AddPerson: ['PersonAdded'],
  GrantRole: ['RoleGranted'],
  RevokeRole: ['RoleRevoked'],
  IssueToken: ['TokenIssued'],
  RevokeToken: ['TokenRevoked'],
};

/** People and what they may do. A person is a stream `person-<uuid>`; the id is the stream's name. */
export const personKind: Kind<Person | null> = {
  name: 'person',
  commands: personCommands,
  events: personEvents,
  beginnings,
  initialState: null,
  // The casts hold because dispatch parses each command and event by the schema that its type names.
  streamOf: (command) => (command as PersonCommand & Command).data.personId,
  decide: (command, person) => decide(command as PersonCommand & Command, person),
  evolve: (person, event) => evolve(person, event as PersonEvent & Happened),
  nextStep: () => undefined,
  needs: () => [{ right: 'administer', repo: '*' }],
};
