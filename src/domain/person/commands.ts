import { z } from 'zod';
import { PersonId, Uuid } from '../ids.ts';
import { type MessageOf, message } from '../message.ts';
import { Text } from '../text.ts';
import { personEvents, RepositoryPattern, Role } from './events.ts';

const personId = PersonId;

export const personCommands = {
  AddPerson: message('AddPerson', 'Make a person known.', { personId, name: Text }),
  GrantRole: message('GrantRole', 'Give a person a role for repositories.', {
    personId,
    role: Role,
    repositories: RepositoryPattern,
  }),
  RevokeRole: message('RevokeRole', 'Take a role back.', { personId, role: Role, repositories: RepositoryPattern }),
  IssueToken: message('IssueToken', 'Record the hash of a new bearer token.', personEvents.TokenIssued.shape),
  RevokeToken: message('RevokeToken', 'Make a token worthless.', { personId, tokenId: Uuid }),
} as const;

export type PersonCommand = MessageOf<typeof personCommands>;
export type PersonCommandData<Name extends PersonCommand['type']> = Extract<PersonCommand, { type: Name }>['data'];

/** What comes with every token: 32 random bytes, base64url, behind a prefix that secret scanners know. */
export const Token = z.string().regex(/^cst_[A-Za-z0-9_-]{43}$/);
