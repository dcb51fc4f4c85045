import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { allTaken, type Colleague, type Office, openOffice, saidAfter } from './office.ts';

let office: Office;
let ann: Colleague;
let bert: Colleague;

beforeAll(async () => {
  office = await openOffice();
  ann = await office.known('Ann', 'requester');
  bert = await office.known('Bert', 'approver', 'admin');
});
afterAll(() => office?.close());

const allow = (id: number) => office.admin.call('POST', '/api/v1/chats', { subject: String(id) });
const tasksText = async (): Promise<string> => (await office.admin.call('GET', '/api/v1/tasks?limit=100')).text;

describe('A group', () => {
  it('must be allowed by an admin, who is asked when the bot is added and when it is spoken to', async () => {
    const { telegram, heard } = office;
    const group = telegram.group({ title: 'New', members: [bert.user, ann.user] });
    telegram.as(ann.user).addBot(group);
    const question = await heard(group, 'I do not work in this group yet');
    telegram.as(ann.user).send(group, '/task@countersign_bot echo too early');
    await allTaken(telegram);
    expect(await tasksText()).not.toContain('too early');
    expect(await telegram.as(ann.user).press(question, 'Allow this group')).toMatchObject({
      text: expect.stringContaining('may not'),
    });
    await telegram.as(bert.user).press(question, 'Allow this group');
    await telegram.waitForMessage(group, ({ id, text }) => id === question.id && text.includes('Bert allowed me'));
    telegram.as(ann.user).send(group, '/task@countersign_bot echo in time');
    await heard(group, 'in time');
    // Asked once a minute, not each time.
    expect(saidAfter(telegram, group, 0).filter((text) => text.includes('I do not work'))).toEqual([]);
  });

  it('is heard only where the bot is meant', async () => {
    const { telegram } = office;
    const group = telegram.group({ title: 'Chatty', members: [bert.user, ann.user], privacy: false });
    await allow(group.id);
    telegram.as(bert.user).addBot(group);
    for (const text of ['/task@another_bot echo not for us', 'fix it please', '/deploy now'])
      telegram.as(ann.user).send(group, text);
    const said = telegram.as(bert.user).send(group, 'What do you think?');
    telegram.as(ann.user).send(group, 'I think so', { replyTo: said });
    await allTaken(telegram);
    expect(saidAfter(telegram, group, 0)).toEqual([]);
    expect(await tasksText()).not.toContain('not for us');
    telegram.as(ann.user).send(group, '/deploy@countersign_bot now');
    await office.heard(group, 'There is no such command');
  });

  it('has the card of a task in the topic where it was asked for', async () => {
    const { telegram, heard } = office;
    const forum = telegram.group({ title: 'Forum', members: [bert.user, ann.user], forum: true });
    await allow(forum.id);
    telegram.as(bert.user).addBot(forum);
    const thread = telegram.as(bert.user).topic(forum, 'Widgets');
    telegram.as(ann.user).send(forum, '/task@countersign_bot echo in a topic', { thread });
    const card = await heard(forum, 'in a topic');
    expect(card.thread).toBe(thread);
    expect(await telegram.as(bert.user).press(card, 'Details')).toMatchObject({ alert: false });
    await telegram.waitForMessage(forum, ({ id, thread: where }) => id > card.id && where === thread);
  });

  it('hears nothing more of its tasks once it is forbidden, nor a person once their rights ended', async () => {
    const { telegram, heard, admin } = office;
    const group = telegram.group({ title: 'Closing', members: [bert.user, ann.user] });
    const chatId = z.object({ chat_id: z.string() }).parse((await allow(group.id)).json()).chat_id;
    telegram.as(bert.user).addBot(group);
    const dora = await office.known('Dora', 'requester');
    telegram.as(ann.user).send(group, '/task@countersign_bot echo in the group');
    telegram.as(dora.user).send(dora.chat, '/task echo in private');
    const cards = [await heard(group, 'May this run?'), await heard(dora.chat, 'May this run?')];
    await admin.call('DELETE', `/api/v1/chats/${chatId}`);
    await admin.call('DELETE', `/api/v1/people/${dora.personId}/roles`, { role: 'requester', repositories: '*' });
    const listed = z.object({ tasks: z.array(z.object({ taskId: z.string(), intent: z.string() })) });
    for (const { taskId, intent } of listed.parse(JSON.parse(await tasksText())).tasks) {
      if (!/in the group|in private/.test(intent)) continue;
      const cancelled = await admin.call('POST', `/api/v1/tasks/${taskId}/actions`, { action: 'cancel' });
      expect(cancelled.status).toBeLessThan(300);
    }
    await setTimeout(1_500);
    expect([group, dora.chat].map((chat) => telegram.messages(chat).findLast(({ from }) => from.is_bot))).toEqual(cards);
  });

  it('is told what it missed when the bot is back', async () => {
    const { telegram, heard, admin } = office;
    const group = telegram.group({ title: 'Fickle', members: [bert.user, ann.user] });
    await allow(group.id);
    telegram.as(bert.user).addBot(group);
    telegram.as(ann.user).send(group, '/task@countersign_bot echo without you');
    await heard(group, 'without you');
    telegram.as(bert.user).removeBot(group);
    const listed = z.object({ tasks: z.array(z.object({ taskId: z.string(), intent: z.string() })) });
    const { taskId = '' } =
      listed.parse(JSON.parse(await tasksText())).tasks.find(({ intent }) => intent.includes('without you')) ?? {};
    await admin.call('POST', `/api/v1/tasks/${taskId}/actions`, { action: 'cancel' });
    const refused = () => telegram.calls.filter(({ parameters, outcome }) => outcome === 403 && parameters.chat_id === group.id);
    await expect.poll(() => refused().length, { timeout: 10_000 }).toBeGreaterThan(0);
    await setTimeout(300); // It is recorded that Telegram refused.
    telegram.as(bert.user).addBot(group);
    await heard(group, 'Cancelled');
  });

  it('stays allowed, and its tasks go on, when it becomes a supergroup', async () => {
    const { telegram, heard, admin } = office;
    const group = telegram.group({ title: 'Growing', members: [bert.user, ann.user], basic: true });
    await allow(group.id);
    telegram.as(bert.user).addBot(group);
    telegram.as(ann.user).send(group, '/task@countersign_bot echo growing up');
    await heard(group, 'growing up');
    const grown = telegram.as(bert.user).migrate(group);
    await allTaken(telegram);
    expect((await admin.call('GET', '/api/v1/chats')).text).toContain(String(grown.id));
    telegram.as(ann.user).send(grown, '/task@countersign_bot echo grown up');
    const card = await heard(grown, 'grown up');
    expect(await telegram.as(bert.user).press(card, 'Approve')).toMatchObject({ text: 'Approved.' });
    expect(saidAfter(telegram, grown, 0).join()).not.toContain('I do not work');
  });
});

describe('The menu of commands', () => {
  const names = (chat: { readonly id: number }, who: Colleague): string[] =>
    office.telegram.menu(chat, who.user).map(({ command }) => command);

  it('is what a person can use, and goes when that goes', async () => {
    const { telegram, admin } = office;
    const vic = await office.known('Vic', 'viewer');
    telegram.as(vic.user).send(vic.chat, '/whoami');
    await office.heard(vic.chat, 'You are Vic here');
    const changed = (expected: readonly string[]) =>
      expect.poll(() => names(vic.chat, vic), { timeout: 10_000 }).toEqual(expected);
    const viewers = ['status', 'tasks', 'diff', 'logs', 'whoami', 'help', 'start'];
    await changed(viewers);
    const path = `/api/v1/people/${vic.personId}/roles`;
    await admin.call('POST', path, { role: 'requester', repositories: 'acme/*' });
    await changed(['task', 'status', 'tasks', 'clarify', 'retry', 'rerun', 'cancel', 'diff', 'logs', 'whoami', 'help', 'start']);
    await admin.call('DELETE', path, { role: 'requester', repositories: 'acme/*' });
    await changed(viewers);
    await admin.call('DELETE', `/api/v1/people/${vic.personId}/identities`, {
      channel: 'telegram',
      subject: String(vic.user.id),
    });
    await changed(['whoami', 'help', 'start']);
  });

  it('is that of everybody in a group', async () => {
    const { telegram } = office;
    const group = telegram.group({ title: 'Menu', members: [bert.user, ann.user] });
    telegram.as(bert.user).addBot(group);
    await allow(group.id);
    await expect.poll(() => names(group, ann), { timeout: 10_000 }).toContain('approve');
  });
});
