import { z } from 'zod';
import { Digest } from '../canonical.ts';
import { PersonId, Uuid } from '../ids.ts';
import { type MessageOf, message } from '../message.ts';
import { Text } from '../text.ts';
import { personEvents, RepositoryPattern, Role } from './events.ts';
import { AccountChannel, AccountSubject } from './identity.ts';

const personId = PersonId;
const channel = AccountChannel;
const subject = Text.refine((text) => 'text' in text && AccountSubject.safeParse(text.text).success, {
  error: 'must be the number of an account, not its name',
});

export const personCommands = {
  AddPerson: message('AddPerson', 'Make a person known.', { personId, name: Text }),
  GrantRole: message('GrantRole', 'Give a person a role for repositories.', {
    personId,
    role: Role,
    repositories: RepositoryPattern,
  }),
  RevokeRole: message('RevokeRole', 'Take a role back.', { personId, role: Role, repositories: RepositoryPattern }),
  IssueToken: message('IssueToken', 'Record the hash of a new bearer token.', personEvents.TokenIssued.shape),
  RecordTokenUse: message('RecordTokenUse', 'Record the day of a use of a token.', personEvents.TokenUsed.shape),
  RevokeToken: message('RevokeToken', 'Make a token worthless.', { personId, tokenId: Uuid }),
  LinkIdentity: message('LinkIdentity', 'Say that an account is this person.', { personId, channel, subject }),
  UnlinkIdentity: message('UnlinkIdentity', 'Say that an account is not this person.', {
    personId,
    channel,
    subject: AccountSubject,
  }),
  Invite: message('Invite', 'Record the hash of a new code that links one account.', {
    ...personEvents.InvitationMade.shape,
    channel,
  }),
  RedeemInvitation: message('RedeemInvitation', 'Link the account of whoever had the code.', {
    personId,
    codeHash: Digest,
    channel,
    subject,
  }),
  WithdrawInvitation: message('WithdrawInvitation', 'Make a code worthless.', { personId, invitationId: Uuid }),
  ErasePerson: message('ErasePerson', 'End everything a person has here, before they are forgotten.', { personId }),
  ForgetPerson: message(
    'ForgetPerson',
    'Record that the texts of an erased person are gone.',
    personEvents.PersonForgotten.shape,
  ),
} as const;

export type PersonCommand = MessageOf<typeof personCommands>;
export type PersonCommandData<Name extends PersonCommand['type']> = Extract<PersonCommand, { type: Name }>['data'];

/** What comes with every token: 32 random bytes, base64url, behind a prefix that secret scanners know. */
export const Token = z.string().regex(/^cst_[A-Za-z0-9_-]{43}$/);
