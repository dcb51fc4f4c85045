import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allTaken, type Colleague, type Office, openOffice, saidAfter } from './office.ts';

let office: Office;
let ann: Colleague;
let root: Colleague;

beforeAll(async () => {
  office = await openOffice({ variables: { AGENT_CLI_TEMPLATE: 'sh -c true' } });
  ann = await office.known('Ann', 'requester', 'approver');
  root = await office.known('Root', 'admin');
});
afterAll(() => office?.close());

const taskCount = async (): Promise<number> =>
  z.object({ tasks: z.array(z.unknown()) }).parse((await office.admin.call('GET', '/api/v1/tasks?limit=100')).json()).tasks
    .length;

/** A task of Ann's that waits for an approval, and its card. */
const asked = async (intent: string) => {
  office.telegram.as(ann.user).send(ann.chat, `/task ${intent}`);
  return office.heard(ann.chat, intent);
};

describe('A stranger in Telegram', () => {
  it('learns their own id and how to be let in, and nothing else', async () => {
    const { telegram, heard } = office;
    const eve = office.stranger('Eve');
    const chat = telegram.privateChat(eve);
    const before = await taskCount();
    for (const text of ['/task rm -rf /', '/status', '/tasks', 'hello', '/whoami']) telegram.as(eve).send(chat, text);
    await heard(chat, 'You are not known here');
    await allTaken(telegram);
    telegram.as(eve).send(chat, '/start');
    await allTaken(telegram);
    await office.service.client.call('GET', '/healthz');
    const said = saidAfter(telegram, chat, 0);
    for (const text of said) {
      expect(text).toContain(String(eve.id));
      expect(text).not.toMatch(/acme|widgets|Ann|task [0-9a-f]/);
    }
    // Five answers a minute are enough for anybody.
    expect(said.length).toBeLessThanOrEqual(5);
    expect(await taskCount()).toBe(before);
  });

  it('presses a button in vain, with the name of somebody known, and learns nothing', async () => {
    const { telegram } = office;
    const impostor = telegram.person({ id: 666, firstName: 'Ann', username: 'ann' });
    const group = telegram.group({ title: 'Mixed', members: [root.user, ann.user, impostor] });
    await office.admin.call('POST', '/api/v1/chats', { subject: String(group.id) });
    telegram.as(root.user).addBot(group);
    telegram.as(ann.user).send(group, '/task@countersign_bot echo pressed by a stranger');
    const card = await office.heard(group, 'pressed by a stranger');
    const answer = await telegram.as(impostor).press(card, 'Approve');
    expect(answer).toMatchObject({ alert: true, text: expect.stringContaining('Your Telegram id is 666') });
    expect(answer?.text).not.toContain('Ann');
    for (const button of ['Reject', 'Details']) expect((await telegram.as(impostor).press(card, button))?.text).toContain('666');
    expect((await office.admin.call('GET', '/api/v1/tasks?status=WAIT_APPROVE_WRITE')).text).toContain('pressed by a stranger');
  });

  it('is answered in a group only when they speak to the bot, and once a minute', async () => {
    const { telegram } = office;
    const mallory = office.stranger('Mallory');
    const group = telegram.group({ title: 'Loud', members: [root.user, mallory], privacy: false });
    await office.admin.call('POST', '/api/v1/chats', { subject: String(group.id) });
    telegram.as(root.user).addBot(group);
    await allTaken(telegram);
    telegram.as(mallory).send(group, 'just talking');
    telegram.as(mallory).send(group, '/weather@other_bot');
    telegram.as(mallory).send(group, '/unheard_of');
    await allTaken(telegram);
    expect(saidAfter(telegram, group, 0)).toEqual([]);
    for (let time = 0; time < 3; time++) telegram.as(mallory).send(group, '/task@countersign_bot do it');
    await office.heard(group, 'You are not known here');
    await allTaken(telegram);
    telegram.as(root.user).send(group, '/whoami@countersign_bot');
    await office.heard(group, 'You are Root here');
    expect(saidAfter(telegram, group, 0).filter((text) => text.includes('not known'))).toHaveLength(1);
  });

  it('is let in by a code, whose guesses end after five', async () => {
    const { telegram, admin, heard } = office;
    const made = await admin.call('POST', '/api/v1/people', { name: 'Nina' });
    const { person_id: personId } = z.object({ person_id: z.string() }).parse(made.json());
    const invited = await admin.call('POST', `/api/v1/people/${personId}/invitations`, { channel: 'telegram' });
    const { code, link } = z.object({ code: z.string(), link: z.string() }).parse(invited.json());
    expect(link).toBe(`https://t.me/countersign_bot?start=${code}`);

    const guesser = office.stranger('Guesser');
    const guessing = telegram.privateChat(guesser);
    for (let guess = 0; guess < 5; guess++) telegram.as(guesser).send(guessing, `/start AAAA-BBBB-CC0${guess}`);
    await allTaken(telegram);
    telegram.as(guesser).send(guessing, `/start ${code}`);
    await allTaken(telegram);
    const nina = office.stranger('Nina');
    const chat = telegram.privateChat(nina);
    telegram.as(nina).send(chat, `/start ${code.toLowerCase().replaceAll('-', ' ')}`);
    await heard(chat, 'Welcome, Nina');
    expect(saidAfter(telegram, guessing, 0).every((text) => text.includes('not valid'))).toBe(true);
    expect(saidAfter(telegram, guessing, 0).length).toBeLessThanOrEqual(5);

    const other = office.stranger('Other');
    telegram.as(other).send(telegram.privateChat(other), `/start ${code}`);
    await heard(telegram.privateChat(other), 'This code is not valid');
  });

  it('cannot have a code read along in a group', async () => {
    const { telegram } = office;
    const zoe = office.stranger('Zoe');
    const group = telegram.group({ title: 'Codes', members: [root.user, zoe] });
    telegram.as(root.user).addBot(group);
    telegram.as(zoe).send(group, '/start@countersign_bot AAAA-BBBB-CCCC');
    await office.heard(group, 'in private');
  });
});

describe('Somebody who is nobody in particular', () => {
  it.each([
    ['a bot', { from: { id: 1_001, is_bot: true, first_name: 'Ann' } }],
    [
      'a channel',
      {
        sender_chat: { id: -100777, type: 'channel', title: 'News' },
        from: { id: 777_000, is_bot: false, first_name: 'Telegram' },
      },
    ],
    ['nobody', {}],
  ])('is not taken for a person: %s', async (_, who) => {
    const before = await taskCount();
    const chat = { id: ann.chat.id, type: 'private', first_name: 'Ann' };
    const message = { message_id: 9_000, date: 1_700_000_000, chat, text: '/task echo from nobody', ...who };
    office.telegram.inject(ann.chat, { message } as never);
    await allTaken(office.telegram);
    expect(await taskCount()).toBe(before);
  });

  it('is asked to write as themselves when they are an anonymous admin', async () => {
    const { telegram } = office;
    const group = telegram.group({ title: 'Masks', members: [root.user, ann.user] });
    await office.admin.call('POST', '/api/v1/chats', { subject: String(group.id) });
    telegram.as(root.user).addBot(group, { administrator: true });
    const before = await taskCount();
    telegram.as(root.user).send(group, '/task@countersign_bot echo masked', { anonymous: true });
    await office.heard(group, 'Write as yourself');
    expect(await taskCount()).toBe(before);
  });

  it('cannot press a button that somebody put under a message of their own', async () => {
    const { telegram } = office;
    const card = await asked('echo forwarded');
    const data = card.buttons.flat().flatMap((button) => ('callback_data' in button ? [button.callback_data] : []))[0] ?? '';
    const own = telegram.as(ann.user).send(ann.chat, 'look at this');
    expect(await telegram.as(ann.user).forgePress(own, data)).toMatchObject({ text: 'This is no button of mine.' });
    expect((await office.admin.call('GET', '/api/v1/tasks?status=WAIT_APPROVE_WRITE')).text).toContain('echo forwarded');
  });
});
