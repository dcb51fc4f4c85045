import type { Command } from '../event.ts';
import { DomainError } from '../refusals.ts';
import { textDigest, textOf } from '../text.ts';
import type { PersonCommand, PersonCommandData } from './commands.ts';
import type { PersonEvent } from './events.ts';
import { type Grant, isAccountOf, type Person, sameGrant } from './state.ts';

/** Accounts of one person. */
export const IDENTITIES_MAX = 10;

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

/** Nobody waits for it, so a token that is gone by now is no refusal. */
const recordUse = (data: PersonCommandData<'RecordTokenUse'>, person: Person): PersonEvent[] => {
  const token = person.tokens.find(({ tokenId }) => tokenId === data.tokenId);
  return token && (token.lastUsedOn ?? '') < data.day ? [{ type: 'TokenUsed', data }] : [];
};

const revokeToken = (data: PersonCommandData<'RevokeToken'>, person: Person): PersonEvent[] => {
  if (!person.tokens.some(({ tokenId }) => tokenId === data.tokenId)) throw new DomainError('token-not-found');
  return [{ type: 'TokenRevoked', data }];
};

const link = ({ personId, channel, subject }: PersonCommandData<'LinkIdentity'>, person: Person): PersonEvent[] => {
  if (isAccountOf(person, channel, textOf(subject))) return [];
  if (person.identities.length >= IDENTITIES_MAX) throw new DomainError('too-many-identities');
  return [{ type: 'IdentityLinked', data: { personId, channel, subject } }];
};

const unlink = ({ personId, channel, subject }: PersonCommandData<'UnlinkIdentity'>, person: Person): PersonEvent[] => {
  const linked = person.identities.find((one) => one.channel === channel && textOf(one.subject) === subject);
  if (!linked) throw new DomainError('identity-not-found');
  return [{ type: 'IdentityUnlinked', data: { personId, channel, subjectDigest: textDigest(linked.subject) } }];
};

/** A new code takes the place of one that is lost. */
const invite = (data: PersonCommandData<'Invite'>, person: Person): PersonEvent[] => {
  const { personId, channel } = data;
  if (person.invitations.some(({ invitationId }) => invitationId === data.invitationId)) return [];
  const replaced = person.invitations.filter((open) => open.channel === channel);
  return [
    ...replaced.map(({ invitationId }) => ({ type: 'InvitationWithdrawn', data: { personId, invitationId } }) as const),
    { type: 'InvitationMade', data },
  ];
};

/** One refusal for every reason, so that whoever guesses learns nothing. */
const redeem = (
  { personId, codeHash, channel, subject }: PersonCommandData<'RedeemInvitation'>,
  person: Person,
  at: string,
): PersonEvent[] => {
  const open = person.invitations.find((one) => one.codeHash === codeHash && one.channel === channel);
  if (!open || open.expiresAt <= at) throw new DomainError('invitation-invalid');
  const { invitationId } = open;
  return [{ type: 'InvitationRedeemed', data: { personId, invitationId } }, ...link({ personId, channel, subject }, person)];
};

const withdraw = (data: PersonCommandData<'WithdrawInvitation'>, person: Person): PersonEvent[] =>
  person.invitations.some(({ invitationId }) => invitationId === data.invitationId)
    ? [{ type: 'InvitationWithdrawn', data }]
    : [];

const erase = ({ personId }: PersonCommandData<'ErasePerson'>, person: Person, actor: string): PersonEvent[] => {
  // Only who administers everything gets here, so they would take that from themselves.
  if (actor === personId) throw new DomainError('last-admin');
  return [
    ...person.grants.map((held) => ({ type: 'RoleRevoked', data: { personId, ...held } }) as const),
    ...person.tokens.map(({ tokenId }) => ({ type: 'TokenRevoked', data: { personId, tokenId } }) as const),
    ...person.identities.map(
      ({ channel, subject }) =>
        ({ type: 'IdentityUnlinked', data: { personId, channel, subjectDigest: textDigest(subject) } }) as const,
    ),
    ...person.invitations.map(({ invitationId }) => ({ type: 'InvitationWithdrawn', data: { personId, invitationId } }) as const),
    { type: 'PersonErased', data: { personId } },
  ];
};

/** What may still be said of somebody who is nobody: that it is so already, and that their texts are gone. */
const decideErased = (command: PersonCommand, { standing }: Person): PersonEvent[] => {
  if (command.type === 'ErasePerson' || command.type === 'RecordTokenUse') return [];
  if (command.type !== 'ForgetPerson') throw new DomainError('person-erased');
  return standing === 'forgotten' ? [] : [{ type: 'PersonForgotten', data: command.data }];
};

export const decide = (command: PersonCommand & Pick<Command, 'actor' | 'at'>, person: Person | null): PersonEvent[] => {
  if (!person) {
    if (command.type !== 'AddPerson') throw new DomainError('person-not-found');
    return [{ type: 'PersonAdded', data: command.data }];
  }
  if (person.standing !== 'known') return decideErased(command, person);
  switch (command.type) {
    case 'AddPerson':
      if (textOf(person.name) !== textOf(command.data.name)) throw new DomainError('person-exists');
      return [];
    case 'GrantRole':
      return grant(command.data, person);
    case 'RevokeRole':
      return revokeRole(command.data, person, command.actor);
    case 'IssueToken':
      return issue(command.data, person);
    case 'RecordTokenUse':
      return recordUse(command.data, person);
    case 'RevokeToken':
      return revokeToken(command.data, person);
    case 'LinkIdentity':
      return link(command.data, person);
    case 'UnlinkIdentity':
      return unlink(command.data, person);
    case 'Invite':
      return invite(command.data, person);
    case 'RedeemInvitation':
      return redeem(command.data, person, command.at);
    case 'WithdrawInvitation':
      return withdraw(command.data, person);
    case 'ErasePerson':
      return erase(command.data, person, command.actor);
    case 'ForgetPerson':
      throw new DomainError('nothing-to-redact');
  }
};
