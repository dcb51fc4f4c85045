import type { Kind } from '../decider.ts';
import type { Command, Happened } from '../event.ts';
import { type PersonCommand, personCommands } from './commands.ts';
import { decide } from './decide.ts';
import { type PersonEvent, personEvents } from './events.ts';
import { evolve, type Person } from './state.ts';

export { isAccountOf, may, nameOf, type Person } from './state.ts';

const beginnings: Readonly<Record<PersonCommand['type'], readonly PersonEvent['type'][]>> = {
  AddPerson: ['PersonAdded'],
  GrantRole: ['RoleGranted'],
  RevokeRole: ['RoleRevoked'],
  IssueToken: ['TokenIssued'],
  RecordTokenUse: ['TokenUsed'],
  RevokeToken: ['TokenRevoked'],
  LinkIdentity: ['IdentityLinked'],
  UnlinkIdentity: ['IdentityUnlinked'],
  Invite: ['InvitationWithdrawn', 'InvitationMade'],
  RedeemInvitation: ['InvitationRedeemed'],
  WithdrawInvitation: ['InvitationWithdrawn'],
  ErasePerson: ['RoleRevoked', 'TokenRevoked', 'IdentityUnlinked', 'InvitationWithdrawn', 'PersonErased'],
  ForgetPerson: ['PersonForgotten'],
};

/** What the service says itself: that a token was used, and that whoever holds an account had the code. */
const SERVICE_ONLY: ReadonlySet<string> = new Set(['RecordTokenUse', 'RedeemInvitation'] satisfies PersonCommand['type'][]);

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
  needs: ({ type }) => (SERVICE_ONLY.has(type) ? [] : [{ right: 'administer', repo: '*' }]),
};
