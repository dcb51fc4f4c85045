import { describe, expect, it } from 'vitest';
import type { Right } from '../../../src/domain/decider.ts';
import { personCommands, Token } from '../../../src/domain/person/commands.ts';
import { RepositoryPattern, type Role } from '../../../src/domain/person/events.ts';
import { may, personKind as person } from '../../../src/domain/person/index.ts';
import { given } from '../given.ts';
import { ANNA, BERT, NOON, text } from '../task/samples.ts';
import { added, anna, command, granted, issued, revoked, token, tokenRevoked, used } from './samples.ts';

describe('Adding a person', () => {
  const add = command('AddPerson', { personId: ANNA, name: text('Anna') });

  it('makes them known, without a right', () => {
    given(person).when(add).yields(added);
    expect(may(anna(), { right: 'read', repo: 'acme/shop' })).toBe(false);
  });

  it('is done once, and is refused for somebody else under the same id', () => {
    given(person, added, granted('viewer')).when(add).yields();
    given(person, added)
      .when(command('AddPerson', { personId: ANNA, name: text('Eve') }))
      .refuses('person-exists');
  });

  it('comes before everything else', () => {
    given(person)
      .when(command('GrantRole', { personId: ANNA, role: 'viewer', repositories: '*' }))
      .refuses('person-not-found');
  });
});

describe('A role', () => {
  const rights: Readonly<Record<Role, readonly Right[]>> = {
    viewer: ['read'],
    requester: ['read', 'request'],
    approver: ['read', 'approve'],
    admin: ['read', 'request', 'approve', 'administer'],
  };

  it.each(Object.entries(rights) as [Role, readonly Right[]][])('%s gives exactly %j', (role, expected) => {
    const all: Right[] = ['read', 'request', 'approve', 'administer'];
    expect(all.filter((right) => may(anna(granted(role)), { right, repo: 'acme/shop' }))).toEqual(expected);
  });

  it.each([
    ['*', 'acme/shop', true],
    ['acme/shop', 'acme/shop', true],
    ['acme/*', 'acme/shop', true],
    ['acme/*', 'acme', false],
    ['acme/*', 'acmeshop/x', false],
    ['acme/*', '*', false],
    ['acme/shop', 'acme/shop2', false],
    ['acme/shop', '*', false],
    ['shop', 'acme/shop', false],
    ['*', '*', true],
  ])('for %s covers %s: %s', (pattern, repo, covered) => {
    expect(may(anna(granted('viewer', pattern)), { right: 'read', repo })).toBe(covered);
  });

  it.each(['', '*/*', 'acme/**', '../*', '-x', 'a/b/c', '*x'])('cannot be given for %j', (pattern) => {
    expect(RepositoryPattern.safeParse(pattern).success).toBe(false);
  });

  it('is granted and taken back once', () => {
    const data = { personId: ANNA, role: 'viewer', repositories: '*' } as const;
    given(person, added).when(command('GrantRole', data)).yields(granted('viewer'));
    given(person, added, granted('viewer')).when(command('GrantRole', data)).yields();
    given(person, added, granted('viewer')).when(command('RevokeRole', data)).yields(revoked('viewer'));
    given(person, added).when(command('RevokeRole', data)).yields();
  });

  it('is gone at once when it is taken back', () => {
    expect(may(anna(granted('approver'), revoked('approver')), { right: 'approve', repo: 'acme/shop' })).toBe(false);
  });

  it('to administer everything cannot be taken from oneself', () => {
    const data = { personId: ANNA, role: 'admin', repositories: '*' } as const;
    given(person, added, granted('admin'))
      .when(command('RevokeRole', data, { actor: ANNA }))
      .refuses('last-admin');
    given(person, added, granted('admin'))
      .when(command('RevokeRole', data, { actor: BERT }))
      .yields(revoked('admin'));
  });
});

describe('A token', () => {
  it('is known by its hash only', () => {
    given(person, added).when(command('IssueToken', token)).yields(issued);
    expect(anna(issued).tokens).toEqual([expect.objectContaining({ tokenHash: token.tokenHash, issuedAt: NOON })]);
  });

  it('is issued once', () => {
    given(person, added, issued).when(command('IssueToken', token)).yields();
  });

  it('is worthless once it was revoked', () => {
    const revoke = command('RevokeToken', { personId: ANNA, tokenId: token.tokenId });
    given(person, added, issued).when(revoke).yields(tokenRevoked);
    given(person, added, issued, tokenRevoked).when(revoke).refuses('token-not-found');
    expect(anna(issued, tokenRevoked).tokens).toEqual([]);
  });

  it('is known to be used on a day, said once a day, and never by a token that is gone', () => {
    const use = (day: string) => command('RecordTokenUse', { personId: ANNA, tokenId: token.tokenId, day });
    given(person, added, issued).when(use('2026-11-21')).yields(used('2026-11-21'));
    given(person, added, issued, used('2026-11-21')).when(use('2026-11-21')).yields();
    given(person, added, issued, used('2026-11-21')).when(use('2026-11-20')).yields();
    given(person, added, issued, used('2026-11-21')).when(use('2026-11-22')).yields(used('2026-11-22'));
    given(person, added, issued, tokenRevoked).when(use('2026-11-21')).yields();
    expect(anna(issued, used('2026-11-21')).tokens).toMatchObject([{ lastUsedOn: '2026-11-21' }]);
  });

  it('has a shape that secret scanners know', () => {
    expect(Token.safeParse(`cst_${'a'.repeat(43)}`).success).toBe(true);
    expect(Token.safeParse(`cst_${'a'.repeat(42)}`).success).toBe(false);
  });
});

describe('Managing people', () => {
  const needs = (type: string) =>
    person.needs({ ...command('RevokeToken', { personId: ANNA, tokenId: token.tokenId }), type }, null);
  const OF_THE_SERVICE = ['RecordTokenUse', 'RedeemInvitation'];

  it('needs the right to administer everything', () => {
    for (const type of Object.keys(personCommands).filter((name) => !OF_THE_SERVICE.includes(name)))
      expect(needs(type)).toEqual([{ right: 'administer', repo: '*' }]);
  });

  it.each(OF_THE_SERVICE)('is nobody’s to do as %s', (type) => {
    expect(needs(type)).toEqual([]);
  });

  it('leaves nothing for the service to do', () => {
    expect(person.nextStep(anna())).toBeUndefined();
  });
});
