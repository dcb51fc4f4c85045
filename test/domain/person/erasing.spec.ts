import { describe, expect, it } from 'vitest';
import { type PersonCommand, type PersonCommandData, personCommands } from '../../../src/domain/person/commands.ts';
import { nameOf, personKind as person } from '../../../src/domain/person/index.ts';
import { textDigest } from '../../../src/domain/text.ts';
import { given } from '../given.ts';
import { ANNA, BERT, text } from '../task/samples.ts';
import {
  account,
  added,
  anna,
  command,
  erased,
  event,
  granted,
  invitation,
  invited,
  issued,
  linked,
  PHONE,
  revoked,
  token,
  tokenRevoked,
  withdrawn,
} from './samples.ts';

const erase = (actor = BERT) => command('ErasePerson', { personId: ANNA }, { actor });
const forget = command('ForgetPerson', { personId: ANNA, revisions: [0] });
const forgotten = event({ type: 'PersonForgotten', data: { personId: ANNA, revisions: [0] } });
const unlinked = event({ type: 'IdentityUnlinked', data: { ...account, subjectDigest: textDigest(text(PHONE)) } });

describe('Erasing a person', () => {
  const everything = [added, granted('admin'), granted('viewer', 'acme/*'), issued, linked(), invited()];

  it('ends every right, token, account and code first', () => {
    given(person, ...everything)
      .when(erase())
      .yields(revoked('admin'), revoked('viewer', 'acme/*'), tokenRevoked, unlinked, withdrawn(), erased);
  });

  it('leaves nobody, whose name is not said any more', () => {
    const left = given(person, ...everything)
      .when(erase())
      .leadsTo();
    expect(left).toMatchObject({ standing: 'erased', grants: [], tokens: [], identities: [], invitations: [] });
    expect(left && nameOf(left)).toBe('erased');
    expect(JSON.stringify(left)).not.toContain('Anna');
  });

  it('is done once, and goes on until the texts are gone', () => {
    given(person, added, erased).when(erase()).yields();
    given(person, added, erased).when(forget).yields(forgotten);
    given(person, added, erased, forgotten).when(forget).yields();
    given(person, added, erased, forgotten).when(erase()).yields();
    given(person, added).when(forget).refuses('nothing-to-redact');
  });

  it('is not done to oneself: who may do it would end the right to administer everything', () => {
    given(person, ...everything)
      .when(erase(ANNA))
      .refuses('last-admin');
  });

  it('is for good: nothing is added afterwards', () => {
    const later: { readonly [Name in PersonCommand['type']]?: PersonCommandData<Name> } = {
      AddPerson: { personId: ANNA, name: text('Anna') },
      GrantRole: { personId: ANNA, role: 'viewer', repositories: '*' },
      IssueToken: token,
      LinkIdentity: { ...account, subject: text(PHONE) },
      Invite: { ...invitation(), codeHash: token.tokenHash, channel: 'telegram', expiresAt: '2026-11-22T12:00:00.000Z' },
      RedeemInvitation: { ...account, codeHash: token.tokenHash, subject: text(PHONE) },
    };
    for (const [type, data] of Object.entries(later)) {
      const known = personCommands[type as PersonCommand['type']].parse(data); // A key of the table above.
      given(person, added, erased)
        .when({ ...erase(), type, data: known })
        .refuses('person-erased');
    }
  });

  it('folds alike from what is left of the events', () => {
    const bare = { ...added, data: { personId: ANNA, name: { digest: textDigest(text('Anna')) } } };
    expect(given(person, bare, erased).when(forget).leadsTo()).toEqual(given(person, added, erased).when(forget).leadsTo());
    expect(anna(erased, forgotten).standing).toBe('forgotten');
  });
});
