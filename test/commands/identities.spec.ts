import { describe, expect, it } from 'vitest';
import { cardIdOf } from '../../src/domain/card.ts';
import { hashHolds } from '../../src/domain/event.ts';
import { derivedId } from '../../src/domain/ids.ts';
import { invitationCodeHash } from '../../src/domain/person/identity.ts';
import { may, nameOf } from '../../src/domain/person/index.ts';
import { DomainError } from '../../src/domain/refusals.ts';
import { createCards } from '../../src/infra/telegram/cards.ts';
import { ANNA, BERT, minutesAfter, NOON } from '../domain/task/samples.ts';
import { ADMIN, openRegistry } from './registry.ts';

const PHONE = '4711';
const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });
const HOURS = 24;

describe('An account that is linked by an admin', () => {
  it('is that person, with every right they have now', async () => {
    const { identities, say } = await openRegistry();
    await identities.link(ADMIN, ANNA, 'telegram', PHONE);
    const grant = { personId: ANNA, role: 'approver', repositories: 'acme/*' } as const;
    await say({ type: 'GrantRole', data: grant });
    const anna = await identities.byIdentity('telegram', PHONE);
    expect(anna && may(anna, { right: 'approve', repo: 'acme/shop' })).toBe(true);
    await say({ type: 'RevokeRole', data: grant });
    const later = await identities.byIdentity('telegram', PHONE);
    expect(later && may(later, { right: 'approve', repo: 'acme/shop' })).toBe(false);
  });

  it('is nobody from the moment it is unlinked, however far behind the views are', async () => {
    const { identities, all, stopViews } = await openRegistry();
    await identities.link(ADMIN, ANNA, 'telegram', PHONE);
    stopViews(all().length);
    await identities.unlink(ADMIN, ANNA, 'telegram', PHONE);
    expect(await identities.byIdentity('telegram', PHONE)).toBeUndefined();
  });

  it('is not linked to a second person', async () => {
    const { identities, all } = await openRegistry();
    await identities.link(ADMIN, ANNA, 'telegram', PHONE);
    const before = all().length;
    await expect(identities.link(ADMIN, BERT, 'telegram', PHONE)).rejects.toThrow(refused('identity-taken'));
    expect(all()).toHaveLength(before);
    await identities.unlink(ADMIN, ANNA, 'telegram', PHONE);
    await identities.link(ADMIN, BERT, 'telegram', PHONE);
    expect((await identities.byIdentity('telegram', PHONE))?.personId).toBe(BERT);
  });

  it('is the earlier of two whom two processes link to it at the same moment', async () => {
    const { identities, open, queries, all } = await openRegistry();
    // Both have looked before either has stored anything.
    let looks = 0;
    const blind = open({ ...queries, peopleByIdentity: (...asked) => (looks++ === 0 ? [] : queries.peopleByIdentity(...asked)) });
    await identities.link(ADMIN, ANNA, 'telegram', PHONE);
    await expect(blind.identities.link(ADMIN, BERT, 'telegram', PHONE)).rejects.toThrow(refused('identity-taken'));
    expect((await blind.identities.byIdentity('telegram', PHONE))?.personId).toBe(ANNA);
    expect(
      all()
        .map(({ type }) => type)
        .slice(-3),
    ).toEqual(['IdentityLinked', 'IdentityLinked', 'IdentityUnlinked']);
    expect(await queries.peopleByIdentity('telegram', PHONE)).toEqual([ANNA]);
  });

  it('is linked by nobody who does not administer everything', async () => {
    const { identities, all } = await openRegistry();
    const before = all().length;
    await expect(identities.link({ personId: ANNA, channel: 'http' }, ANNA, 'telegram', PHONE)).rejects.toThrow(
      refused('forbidden'),
    );
    await expect(identities.invite({ personId: ANNA, channel: 'http' }, ANNA, 'telegram', HOURS)).rejects.toThrow(
      refused('forbidden'),
    );
    expect(all()).toHaveLength(before);
  });
});

describe('An invitation that is redeemed', () => {
  it('links the account of who had the code, once', async () => {
    const { identities, all } = await openRegistry();
    const { code, expiresAt } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    expect(expiresAt).toBe(minutesAfter(HOURS * 60));
    expect((await identities.redeem('telegram', PHONE, code.toLowerCase())).personId).toBe(ANNA);
    const before = all().length;
    // The same update again finds them; anybody else finds nothing.
    expect((await identities.redeem('telegram', PHONE, code)).personId).toBe(ANNA);
    await expect(identities.redeem('telegram', '4712', code)).rejects.toThrow(refused('invitation-invalid'));
    expect(all()).toHaveLength(before);
  });

  it('is stored by its hash only', async () => {
    const { identities, all } = await openRegistry();
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    const stored = JSON.stringify(all());
    expect(stored).not.toContain(code);
    expect(stored).not.toContain(code.replaceAll('-', ''));
  });

  it('says the same to every guess, and stores nothing', async () => {
    const { identities, all, setTime } = await openRegistry();
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    const { code: replaced } = await identities.invite(ADMIN, BERT, 'telegram', HOURS);
    await identities.invite(ADMIN, BERT, 'telegram', HOURS);
    const before = all().length;
    setTime(minutesAfter(HOURS * 60));
    const guesses = ['', 'hello', `${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`, replaced, code, ANNA, "' OR 1=1 --"];
    for (const guess of guesses)
      await expect(identities.redeem('telegram', PHONE, guess)).rejects.toThrow(refused('invitation-invalid'));
    expect(all()).toHaveLength(before);
    setTime(NOON);
    expect((await identities.redeem('telegram', PHONE, code)).personId).toBe(ANNA);
  });

  it('makes nobody a second person', async () => {
    const { identities } = await openRegistry();
    await identities.link(ADMIN, BERT, 'telegram', PHONE);
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    await expect(identities.redeem('telegram', PHONE, code)).rejects.toThrow(refused('identity-taken'));
    // It is not used up by that.
    expect((await identities.redeem('telegram', '4712', code)).personId).toBe(ANNA);
  });

  it('is taken from one account twice at the same moment as if it came once', async () => {
    const { identities, open, all } = await openRegistry();
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    const both = await Promise.all([
      identities.redeem('telegram', PHONE, code),
      open().identities.redeem('telegram', PHONE, code),
    ]);
    expect(both.map(({ personId }) => personId)).toEqual([ANNA, ANNA]);
    expect(all().filter(({ type }) => type === 'IdentityLinked')).toHaveLength(1);
  });

  it('is worth one account when two come with it at the same moment', async () => {
    const { identities, open } = await openRegistry();
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    const tries = [identities.redeem('telegram', PHONE, code), open().identities.redeem('telegram', '4712', code)];
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('A person who is erased', () => {
  it('is nobody by any account or code, and their words are gone from the log', async () => {
    const { identities, erasure, all, people } = await openRegistry();
    await identities.link(ADMIN, ANNA, 'telegram', PHONE);
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    await erasure(ADMIN, ANNA);
    expect(await identities.byIdentity('telegram', PHONE)).toBeUndefined();
    await expect(identities.redeem('telegram', PHONE, code)).rejects.toBeInstanceOf(DomainError);
    const anna = await people.get(ANNA);
    expect(anna && nameOf(anna)).toBe('erased');
    const stored = JSON.stringify(all());
    expect(stored).not.toContain('"Anna"');
    expect(stored).not.toContain(`"${PHONE}"`);
    // The account is free for somebody else.
    await identities.link(ADMIN, BERT, 'telegram', PHONE);
  });

  const TASK = '5f0c7a52-9d31-5c1e-8a44-0b1c2d3e4f50';
  const place = (chat: string) => ({ taskId: TASK, place: { chat, thread: null }, replyTo: null });

  it('leaves no number of their account in the cards of their chats, nor is one recorded there later', async () => {
    const { identities, erasure, all, store, clock } = await openRegistry();
    const cards = createCards({ store, clock, pause: async () => undefined });
    const { code } = await identities.invite(ADMIN, ANNA, 'telegram', HOURS);
    const hash = invitationCodeHash(code) ?? '';
    await identities.redeem('telegram', PHONE, code);
    await cards.want({ ...place(PHONE), owner: ANNA });
    await cards.want(place('-100'));
    const cardId = cardIdOf(TASK, PHONE, null, ANNA);
    await cards.posted(cardId, 'end-1', 1, { chat: PHONE, thread: null }, 7);
    await identities.unlink(ADMIN, ANNA, 'telegram', PHONE);
    await erasure(ADMIN, ANNA);
    await cards.posted(cardId, 'end-2', 2, { chat: PHONE, thread: null }, 8);
    const stored = all();
    expect(JSON.stringify(stored)).not.toContain(`"${PHONE}"`);
    expect(JSON.stringify(stored)).toContain('"-100"');
    expect(stored.every(hashHolds)).toBe(true);
    // Nor is it to be guessed from what a stream or a command is called.
    expect(JSON.stringify(stored)).not.toContain(cardIdOf(TASK, PHONE, null));
    expect(JSON.stringify(stored)).not.toContain(derivedId('redeem', hash, 'telegram', PHONE));
    expect(await cards.load(cardId)).toMatchObject({ chat: '', posted: [] });
  });

  it('keeps the cards of an account that is somebody else by now', async () => {
    const { identities, erasure, all, store, clock } = await openRegistry();
    await identities.link(ADMIN, ANNA, 'telegram', PHONE);
    await identities.unlink(ADMIN, ANNA, 'telegram', PHONE);
    await identities.link(ADMIN, BERT, 'telegram', PHONE);
    await createCards({ store, clock, pause: async () => undefined }).want(place(PHONE));
    await erasure(ADMIN, ANNA);
    expect(all().some(({ type }) => type === 'CardForgotten')).toBe(false);
  });

  it('is erased to the end when it was cut off in between', async () => {
    const { erasure, all, say } = await openRegistry();
    await say({ type: 'ErasePerson', data: { personId: ANNA } }, BERT);
    expect(JSON.stringify(all())).toContain('"Anna"');
    const { events } = await erasure(ADMIN, ANNA);
    expect(events.map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'PersonForgotten', data: { personId: ANNA, revisions: [0] } },
    ]);
    expect(JSON.stringify(all())).not.toContain('"Anna"');
    expect((await erasure(ADMIN, ANNA)).events).toEqual([]);
  });

  it('is not erased by whoever may not, nor by themselves', async () => {
    const { erasure, all } = await openRegistry();
    await expect(erasure({ personId: ANNA, channel: 'http' }, BERT)).rejects.toThrow(refused('forbidden'));
    await expect(erasure(ADMIN, BERT)).rejects.toThrow(refused('last-admin'));
    expect(JSON.stringify(all())).toContain('"Bert"');
  });
});
