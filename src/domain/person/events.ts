import { z } from 'zod';
import { Digest } from '../canonical.ts';
import { PersonId, Uuid } from '../ids.ts';
import { type MessageOf, message } from '../message.ts';
import { Text } from '../text.ts';

export const Role = z.enum(['viewer', 'requester', 'approver', 'admin']);
export type Role = z.infer<typeof Role>;

/** `*` for every repository, `org/*` for an organisation's, or one name. */
export const RepositoryPattern = z
  .string()
  .max(140)
  .regex(/^(\*|[A-Za-z0-9_][A-Za-z0-9._-]*(\/([A-Za-z0-9_][A-Za-z0-9._-]*|\*))?)$/, {
    error: 'must be "*", "org/*", or the name of a repository',
  });
export type RepositoryPattern = z.infer<typeof RepositoryPattern>;

const personId = PersonId;
const invitationId = Uuid;
const at = z.iso.datetime({ precision: 3 });
const channel = z.string();

/** Every event of a person. Names and identities are texts, so that they can be erased; every other stream names the id only. */
export const personEvents = {
  PersonAdded: message('PersonAdded', 'A person may be known here from now on.', { personId, name: Text }),
  IdentityLinked: message('IdentityLinked', 'This account on a channel is this person.', { personId, channel, subject: Text }),
  IdentityUnlinked: message('IdentityUnlinked', 'This account on a channel is no longer this person.', {
    personId,
    channel,
    subjectDigest: Digest,
  }),
  InvitationMade: message('InvitationMade', 'Whoever holds a code may link one account to the person; only its hash is known.', {
    personId,
    invitationId,
    codeHash: Digest,
    channel,
    expiresAt: at,
  }),
  InvitationRedeemed: message('InvitationRedeemed', 'The holder of an account had the code, which is used up by that.', {
    personId,
    invitationId,
  }),
  InvitationWithdrawn: message('InvitationWithdrawn', 'The code is worthless from now on.', { personId, invitationId }),
  RoleGranted: message('RoleGranted', 'The person has this role for these repositories.', {
    personId,
    role: Role,
    repositories: RepositoryPattern,
  }),
  RoleRevoked: message('RoleRevoked', 'The person no longer has this role for these repositories.', {
    personId,
    role: Role,
    repositories: RepositoryPattern,
  }),
  TokenIssued: message('TokenIssued', 'A bearer token was made for the person; only its hash is known.', {
    personId,
    tokenId: Uuid,
    name: Text,
    tokenHash: Digest,
    expiresAt: at.nullable(),
  }),
  TokenUsed: message('TokenUsed', 'The token was used on this day; said once a day.', {
    personId,
    tokenId: Uuid,
    day: z.iso.date(),
  }),
  TokenRevoked: message('TokenRevoked', 'The token is worthless from now on.', { personId, tokenId: Uuid }),
  PersonErased: message('PersonErased', 'The person is nobody here from now on, and what is known of them is being erased.', {
    personId,
  }),
  PersonForgotten: message('PersonForgotten', 'Every text of these events was erased from the log.', {
    personId,
    revisions: z.array(z.int().min(0)),
  }),
} as const;

export type PersonEvent = MessageOf<typeof personEvents>;
