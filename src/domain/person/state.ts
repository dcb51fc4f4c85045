import type { Digest } from '../canonical.ts';
import type { Need, Right } from '../decider.ts';
import type { Happened } from '../event.ts';
import { redacted, type Text, textDigest, textOf } from '../text.ts';
import type { PersonEvent, Role } from './events.ts';

export interface Grant {
  readonly role: Role;
  readonly repositories: string;
}

export interface IssuedToken {
  readonly tokenId: string;
  readonly tokenHash: Digest;
  readonly name: Text;
  readonly issuedAt: string;
  readonly expiresAt: string | null;
  /** Day of the last use in UTC, `2026-11-21`; `null`: never used. */
  readonly lastUsedOn: string | null;
}

export interface LinkedIdentity {
  readonly channel: string;
  readonly subject: Text;
  readonly linkedAt: string;
}

export interface Invitation {
  readonly invitationId: string;
  readonly codeHash: Digest;
  readonly channel: string;
  readonly madeAt: string;
  readonly expiresAt: string;
}

export interface Person {
  readonly personId: string;
  readonly name: Text;
  /** `erased`: nothing is left of them but texts in the log; `forgotten`: neither are those. */
  readonly standing: 'known' | 'erased' | 'forgotten';
  readonly grants: readonly Grant[];
  /** Valid ones and expired ones; a revoked token is gone. */
  readonly tokens: readonly IssuedToken[];
  readonly identities: readonly LinkedIdentity[];
  /** One a channel at most, perhaps expired; one that was redeemed or withdrawn is gone. */
  readonly invitations: readonly Invitation[];
}

const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  viewer: ['read'],
  requester: ['read', 'request'],
  approver: ['read', 'approve'],
  admin: ['read', 'request', 'approve', 'administer'],
};

/** Whether the pattern, `*`, `org/*` or a name, names the repository. */
export const covers = (pattern: string, repo: string): boolean =>
  pattern === '*' || pattern === repo || (pattern.endsWith('/*') && repo.startsWith(pattern.slice(0, -1)));

/** Whether one of the person's roles gives the right for the repository. `*` as the repository asks for a right over all of them. */
export const may = (person: Person, { right, repo }: Need): boolean =>
  person.grants.some((grant) => RIGHTS[grant.role].includes(right) && covers(grant.repositories, repo));

/** Whether the account is linked to the person. */
export const isAccountOf = (person: Person, channel: string, subject: string): boolean =>
  person.identities.some((linked) => linked.channel === channel && 'text' in linked.subject && linked.subject.text === subject);

/** As people see them. */
export const nameOf = ({ standing, name }: Person): string => (standing === 'known' ? textOf(name) : 'erased');

export const sameGrant = (a: Grant, b: Grant): boolean => a.role === b.role && a.repositories === b.repositories;

const nobody = (person: Person): Person => ({
  ...person,
  name: redacted(person.name),
  grants: [],
  tokens: [],
  identities: [],
  invitations: [],
});

const withoutInvitation = (person: Person, invitationId: string): Person => ({
  ...person,
  invitations: person.invitations.filter((open) => open.invitationId !== invitationId),
});

export const evolve = (person: Person | null, event: PersonEvent & Pick<Happened, 'at'>): Person | null => {
  if (event.type === 'PersonAdded')
    return person ?? { ...event.data, standing: 'known', grants: [], tokens: [], identities: [], invitations: [] };
  if (!person) return null;
  const { at } = event;
  switch (event.type) {
    case 'RoleGranted':
      return { ...person, grants: [...person.grants, { role: event.data.role, repositories: event.data.repositories }] };
    case 'RoleRevoked':
      return { ...person, grants: person.grants.filter((held) => !sameGrant(held, event.data)) };
    case 'TokenIssued':
      return { ...person, tokens: [...person.tokens, { ...event.data, issuedAt: at, lastUsedOn: null }] };
    case 'TokenUsed': {
      const { tokenId, day } = event.data;
      return {
        ...person,
        tokens: person.tokens.map((token) => (token.tokenId === tokenId ? { ...token, lastUsedOn: day } : token)),
      };
    }
    case 'TokenRevoked':
      return { ...person, tokens: person.tokens.filter(({ tokenId }) => tokenId !== event.data.tokenId) };
    case 'IdentityLinked': {
      const { channel, subject } = event.data;
      return { ...person, identities: [...person.identities, { channel, subject, linkedAt: at }] };
    }
    case 'IdentityUnlinked': {
      const { channel, subjectDigest } = event.data;
      const isOther = (linked: LinkedIdentity) => linked.channel !== channel || textDigest(linked.subject) !== subjectDigest;
      return { ...person, identities: person.identities.filter(isOther) };
    }
    case 'InvitationMade': {
      const { personId: _, ...invitation } = event.data;
      return { ...person, invitations: [...person.invitations, { ...invitation, madeAt: at }] };
    }
    case 'InvitationRedeemed':
    case 'InvitationWithdrawn':
      return withoutInvitation(person, event.data.invitationId);
    case 'PersonErased':
      return { ...nobody(person), standing: 'erased' };
    case 'PersonForgotten':
      return { ...person, standing: 'forgotten' };
  }
};
