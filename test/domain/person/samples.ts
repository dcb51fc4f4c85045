import { sha256 } from '../../../src/domain/canonical.ts';
import type { Command, Happened } from '../../../src/domain/event.ts';
import type { PersonCommand, PersonCommandData } from '../../../src/domain/person/commands.ts';
import type { PersonEvent, Role } from '../../../src/domain/person/events.ts';
import { type Person, personKind as person } from '../../../src/domain/person/index.ts';
import { folded } from '../given.ts';
import { ANNA, BERT, NOON, TOMORROW, text, uuid } from '../task/samples.ts';

export const event = (fact: PersonEvent): Happened => ({ ...fact, actor: BERT, at: NOON });
export const command = <Name extends PersonCommand['type']>(
  type: Name,
  data: PersonCommandData<Name>,
  { actor = BERT, at = NOON } = {},
): Command => ({ id: uuid(type), type, data, actor, channel: 'cli', at });

export const added = event({ type: 'PersonAdded', data: { personId: ANNA, name: text('Anna') } });
export const granted = (role: Role, repositories = '*') =>
  event({ type: 'RoleGranted', data: { personId: ANNA, role, repositories } });
export const revoked = (role: Role, repositories = '*') =>
  event({ type: 'RoleRevoked', data: { personId: ANNA, role, repositories } });

export const token = {
  personId: ANNA,
  tokenId: uuid('token'),
  name: text('laptop'),
  tokenHash: sha256('a token'),
  expiresAt: TOMORROW,
};
export const issued = event({ type: 'TokenIssued', data: token });
export const used = (day: string) => event({ type: 'TokenUsed', data: { personId: ANNA, tokenId: token.tokenId, day } });
export const tokenRevoked = event({ type: 'TokenRevoked', data: { personId: ANNA, tokenId: token.tokenId } });

export const PHONE = '4711';
export const account = { personId: ANNA, channel: 'telegram' } as const;
export const linked = (subject = PHONE) => event({ type: 'IdentityLinked', data: { ...account, subject: text(subject) } });

export const invitation = (name = 'invitation') => ({ personId: ANNA, invitationId: uuid(name) });
export const invited = (name = 'invitation', channel = 'telegram') =>
  event({ type: 'InvitationMade', data: { ...invitation(name), codeHash: sha256(name), channel, expiresAt: TOMORROW } });
export const redeemed = (name = 'invitation') => event({ type: 'InvitationRedeemed', data: invitation(name) });
export const withdrawn = (name = 'invitation') => event({ type: 'InvitationWithdrawn', data: invitation(name) });
export const erased = event({ type: 'PersonErased', data: { personId: ANNA } });

export const anna = (...history: Happened[]): Person => {
  const state = folded(person, added, ...history);
  if (!state) throw new Error('Anna was added.');
  return state;
};
