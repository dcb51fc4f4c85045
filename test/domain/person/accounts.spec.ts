import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../src/domain/canonical.ts';
import { personCommands } from '../../../src/domain/person/commands.ts';
import { IDENTITIES_MAX } from '../../../src/domain/person/decide.ts';
import { INVITATION_CODE_BYTES, invitationCode, invitationCodeHash } from '../../../src/domain/person/identity.ts';
import { isAccountOf, personKind as person } from '../../../src/domain/person/index.ts';
import { textDigest } from '../../../src/domain/text.ts';
import { given } from '../given.ts';
import { minutesAfter, TOMORROW, text, uuid } from '../task/samples.ts';
import { account, added, anna, command, event, invitation, invited, linked, PHONE, redeemed, withdrawn } from './samples.ts';

const unlinked = event({ type: 'IdentityUnlinked', data: { ...account, subjectDigest: textDigest(text(PHONE)) } });

describe('An account', () => {
  const link = command('LinkIdentity', { ...account, subject: text(PHONE) });
  const unlink = command('UnlinkIdentity', { ...account, subject: PHONE });

  it('is a person from when it is linked until it is unlinked', () => {
    given(person, added).when(link).yields(linked());
    given(person, added, linked()).when(unlink).yields(unlinked);
    expect(isAccountOf(anna(linked()), 'telegram', PHONE)).toBe(true);
    expect(isAccountOf(anna(linked()), 'telegram', '4712')).toBe(false);
    expect(isAccountOf(anna(linked()), 'github', PHONE)).toBe(false);
    expect(isAccountOf(anna(linked(), unlinked), 'telegram', PHONE)).toBe(false);
  });

  it('is linked once, and can be linked again', () => {
    given(person, added, linked()).when(link).yields();
    given(person, added, linked(), unlinked).when(link).yields(linked());
  });

  it('is not unlinked from who never had it', () => {
    given(person, added, linked('4712')).when(unlink).refuses('identity-not-found');
  });

  it('is one of a few', () => {
    const others = Array.from({ length: IDENTITIES_MAX }, (_, index) => linked(`${index + 1}`));
    given(person, added, ...others)
      .when(link)
      .refuses('too-many-identities');
  });

  it.each(['@anna', 'anna', '-100', '0', '', '4711 ', '12345678901234567890', '٤٧١١'])('has a number, not %j', (subject) => {
    expect(personCommands.LinkIdentity.safeParse({ ...account, subject: text(subject) }).success).toBe(false);
  });
});

describe('An invitation', () => {
  const invite = (name = 'invitation') => {
    const { codeHash, channel, expiresAt } = { codeHash: sha256(name), channel: 'telegram' as const, expiresAt: TOMORROW };
    return command('Invite', { ...invitation(name), codeHash, channel, expiresAt });
  };
  const redeem = (name = 'invitation', more: { at?: string; subject?: string } = {}) =>
    command('RedeemInvitation', { ...account, codeHash: sha256(name), subject: text(more.subject ?? PHONE) }, more);

  it('links the account of who has the code, and is used up by that', () => {
    given(person, added).when(invite()).yields(invited());
    given(person, added, invited()).when(redeem()).yields(redeemed(), linked());
    given(person, added, invited(), redeemed(), linked())
      .when(redeem('invitation', { subject: '4712' }))
      .refuses('invitation-invalid');
    expect(anna(invited(), redeemed(), linked()).invitations).toEqual([]);
  });

  it('is used up by an account that was linked already', () => {
    given(person, added, linked(), invited()).when(redeem()).yields(redeemed());
  });

  it('is worth nothing from its last moment on', () => {
    given(person, added, invited())
      .when(redeem('invitation', { at: minutesAfter(-1, TOMORROW) }))
      .yields(redeemed(), linked());
    given(person, added, invited())
      .when(redeem('invitation', { at: TOMORROW }))
      .refuses('invitation-invalid');
  });

  it('is for one channel', () => {
    given(person, added, invited('invitation', 'github')).when(redeem()).refuses('invitation-invalid');
  });

  it('is not found by another code', () => {
    given(person, added, invited()).when(redeem('guess')).refuses('invitation-invalid');
  });

  it('is replaced by the next, and can be withdrawn', () => {
    given(person, added, invited()).when(invite('next')).yields(withdrawn(), invited('next'));
    given(person, added, invited(), withdrawn(), invited('next')).when(redeem()).refuses('invitation-invalid');
    given(person, added, invited()).when(command('WithdrawInvitation', invitation())).yields(withdrawn());
    given(person, added).when(command('WithdrawInvitation', invitation())).yields();
  });

  it('is made once', () => {
    given(person, added, invited()).when(invite()).yields();
  });

  it('is nobody’s who is not known', () => {
    given(person).when(redeem()).refuses('person-not-found');
  });
});

describe('The code of an invitation', () => {
  it('has 60 bits, in groups that a phone can type', () => {
    const random = fc.uint8Array({ minLength: INVITATION_CODE_BYTES, maxLength: INVITATION_CODE_BYTES });
    fc.assert(
      fc.property(random, (bytes) => {
        expect(invitationCode(bytes)).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$/);
      }),
    );
    const each = new Set(
      Array.from({ length: 256 }, (_, byte) => invitationCode(new Uint8Array(INVITATION_CODE_BYTES).fill(byte))),
    );
    expect(each.size).toBe(32);
  });

  it('is the same however it is typed', () => {
    const hash = invitationCodeHash('10AB-CDEF-0123');
    for (const typed of ['10ABCDEF0123', ' 10ab cdef 0123 ', 'lOab-CDEF-o1 23', 'IOAB-CDEF-0I23'])
      expect(invitationCodeHash(typed)).toBe(hash);
    expect(invitationCodeHash('10AB-CDEF-0124')).not.toBe(hash);
  });

  it.each(['', '-', '10AB-CDEF-012', '10AB-CDEF-01234', '10AB-CDEF-012U', '10AB/CDEF/0123', uuid('x'), 'x'.repeat(9_000)])(
    'is not %j',
    (typed) => {
      expect(invitationCodeHash(typed)).toBeUndefined();
    },
  );
});
