import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { TaskView } from '../../src/projections/task-view.ts';
import { TaskView as TaskViewSchema } from '../../src/projections/task-view.ts';
import type { SeenMessage } from '../support/telegram/index.ts';
import { allTaken, type Colleague, MEND, type Office, openOffice } from './office.ts';

let office: Office;
let ann: Colleague;
let bert: Colleague;
let cleo: Colleague;

beforeAll(async () => {
  office = await openOffice();
  ann = await office.known('Ann', 'requester');
  bert = await office.known('Bert', 'approver', 'requester');
  cleo = await office.known('Cleo', 'approver');
});
afterAll(() => office?.close());
// A group of its own for each, for Telegram takes but 20 messages a minute in one.
beforeEach(async () => {
  team = office.telegram.group({ title: 'Team', members: [ann.user, bert.user, cleo.user] });
  await office.admin.call('POST', '/api/v1/chats', { subject: String(team.id) });
  office.telegram.as(ann.user).addBot(team);
});

let team: { readonly id: number };
let count = 0;

/** Files a request in the group; its approval card. The words are unlike any other request's. */
const asked = async (intent: string): Promise<{ readonly card: SeenMessage; readonly mark: string }> => {
  const mark = `mark${++count}x`;
  office.telegram.as(ann.user).send(team, `/task@countersign_bot ${intent} # ${mark}`);
  return { card: await office.heard(team, new RegExp(`^✋[^]*${mark}`)), mark };
};

/** The task whose words hold the mark, as it is now. */
const taskOf = async (mark: string): Promise<TaskView> => {
  const listed = await office.admin.call('GET', '/api/v1/tasks?limit=100');
  const { tasks } = z.object({ tasks: z.array(z.object({ taskId: z.string(), intent: z.string() })) }).parse(listed.json());
  const id = tasks.find(({ intent }) => intent.includes(mark))?.taskId;
  const answer = await office.admin.call('GET', `/api/v1/tasks/${id}`);
  return z.object({ task: TaskViewSchema }).parse(answer.json()).task;
};

describe('A button', () => {
  it('pressed by two at once approves once, and tells the second who was first', async () => {
    const { card, mark } = await asked(MEND);
    const answers = await Promise.all([bert, cleo].map(({ user }) => office.telegram.as(user).press(card, 'Approve')));
    const texts = answers.map((answer) => answer?.text).toSorted();
    expect(texts).toEqual(['Approved.', expect.stringMatching(/^(Bert|Cleo) approved it already\.$/)]);
    await office.heard(team, /^✅/, 60_000);
    expect((await taskOf(mark)).approvals).toHaveLength(1);
  });

  it('of an earlier state says what changed since, and approves nothing', async () => {
    const { telegram, heard } = office;
    const { card, mark } = await asked('echo first');
    await telegram.as(bert.user).press(card, 'Ask back');
    const prompt = await heard(team, 'What do you want to know before you decide?');
    expect(prompt.text).toContain('Bert, this is for you.');
    telegram.as(bert.user).send(team, 'Which of them?', { replyTo: prompt });
    const question = await heard(team, 'Which of them?');
    telegram.as(ann.user).send(team, 'test="sh test.sh" The second.', { replyTo: question });
    const next = await heard(team, 'The second.');
    expect(next.id).not.toBe(card.id);

    const data = card.buttons.flat().flatMap((button) => ('callback_data' in button ? [button.callback_data] : []));
    for (const old of data.slice(0, 3)) {
      expect(await telegram.as(bert.user).forgePress(card, old)).toMatchObject({
        alert: true,
        text: 'This changed after this card: Ann added words. Read the newer card.',
      });
    }
    expect((await taskOf(mark)).status).toBe('WAIT_APPROVE_WRITE');
    expect(await telegram.as(bert.user).press(next, 'Approve')).toMatchObject({ text: 'Approved.' });
  });

  it('is judged by what its person may at the moment of the press', async () => {
    const { telegram, admin } = office;
    const dora = await office.known('Dora', 'approver');
    team = telegram.group({ title: 'Team of Dora', members: [ann.user, dora.user] });
    await admin.call('POST', '/api/v1/chats', { subject: String(team.id) });
    telegram.as(ann.user).addBot(team);
    const { card, mark } = await asked('echo revoked');
    const path = `/api/v1/people/${dora.personId}/roles`;
    await admin.call('DELETE', path, { role: 'approver', repositories: '*' });
    expect(await telegram.as(dora.user).forgePress(card, approveData(card))).toMatchObject({ alert: true });
    await admin.call('POST', path, { role: 'approver', repositories: '*' });
    await admin.call('DELETE', `/api/v1/people/${dora.personId}/identities`, {
      channel: 'telegram',
      subject: String(dora.user.id),
    });
    expect((await telegram.as(dora.user).forgePress(card, approveData(card)))?.text).toContain('not known here');
    expect((await taskOf(mark)).status).toBe('WAIT_APPROVE_WRITE');
  });

  it('does nothing in a group that is allowed no more', async () => {
    const { telegram, admin } = office;
    const group = telegram.group({ title: 'Closed', members: [bert.user, ann.user] });
    const allowed = await admin.call('POST', '/api/v1/chats', { subject: String(group.id) });
    telegram.as(bert.user).addBot(group);
    telegram.as(ann.user).send(group, '/task@countersign_bot echo closing');
    const card = await office.heard(group, 'echo closing');
    const { chat_id: chatId } = z.object({ chat_id: z.string() }).parse(allowed.json());
    await admin.call('DELETE', `/api/v1/chats/${chatId}`);
    expect(await telegram.as(bert.user).press(card, 'Approve')).toMatchObject({
      text: expect.stringContaining('do not work in this group'),
    });
    telegram.as(ann.user).send(group, '/task@countersign_bot echo once more');
    await office.heard(group, 'I do not work in this group yet');
    expect((await admin.call('GET', '/api/v1/tasks')).text).not.toContain('once more');
  });

  it('that nobody made is answered and does nothing', async () => {
    const { card, mark } = await asked('echo junk');
    const other = `${approveData(card).slice(0, -4)}AAAA`;
    for (const data of ['', 'x', 'approve', 'allow-group', 'tasks.z..', `approve.${'A'.repeat(22)}.${'A'.repeat(22)}`, other]) {
      expect(await office.telegram.as(bert.user).forgePress(card, data), data).toBeDefined();
    }
    expect((await taskOf(mark)).status).toBe('WAIT_APPROVE_WRITE');
  });

  it('stops what runs only when it is pressed for sure', async () => {
    const { telegram, heard } = office;
    const { card, mark } = await asked('sleep 60');
    await telegram.as(bert.user).press(card, 'Approve');
    const running = await telegram.waitForMessage(team, ({ id, text }) => id === card.id && text.includes('agent is working'));
    await telegram.as(bert.user).press(running, 'Cancel');
    const sure = await heard(team, 'What the agent did so far is lost');
    expect((await taskOf(mark)).status).toBe('RUNNING');
    expect(await telegram.as(bert.user).press(sure, 'Yes, stop it')).toMatchObject({ text: 'Cancelled.' });
    await telegram.waitForMessage(team, ({ text }) => /^⏹/.test(text), 20_000);
    expect((await taskOf(mark)).errorCode).toBe('CANCELLED');
  });

  it('rejects with a reason that comes as a reply, and reruns with feedback', async () => {
    const { telegram, heard } = office;
    const { card, mark } = await asked('echo wrong');
    await telegram.as(bert.user).press(card, 'Reject');
    const why = await heard(team, 'Why is it no?');
    expect((await taskOf(mark)).status).toBe('WAIT_APPROVE_WRITE');
    telegram.as(bert.user).send(team, 'It breaks the build.', { replyTo: why });
    const end = await heard(team, /^⏹/);
    expect((await taskOf(mark)).errorCode).toBe('REJECTED');
    expect(await telegram.as(bert.user).press(end, 'Rerun with feedback')).toMatchObject({ alert: false });
    const what = await heard(team, 'What should be different this time?');
    telegram.as(bert.user).send(team, 'Build it first.', { replyTo: what });
    await heard(team, 'Build it first.');
    await allTaken(telegram);
    expect(await taskOf(mark)).toMatchObject({ attempt: 2, feedback: 'Build it first.' });
  });
});

describe('A rejection', () => {
  it('without a reason is a second press, and one with a reason is about what its card showed', async () => {
    const { telegram, heard } = office;
    const { card, mark } = await asked('echo no reason');
    await telegram.as(bert.user).press(card, 'Reject');
    const why = await heard(team, 'Why is it no?');
    const task = await taskOf(mark);
    await office.admin.call('POST', `/api/v1/tasks/${task.taskId}/actions`, { action: 'ask', question: 'Why?' });
    await office.admin.call('POST', `/api/v1/tasks/${task.taskId}/actions`, { action: 'clarify', text: 'Because.' });
    const anew = await telegram.waitForMessage(team, ({ id, text }) => id > why.id && text.includes('Because.'), 20_000);
    telegram.as(bert.user).send(team, 'Too late.', { replyTo: why });
    await heard(team, 'What you read is not what would run now');
    expect(await telegram.as(bert.user).press(why, 'Reject without a reason')).toMatchObject({ alert: true });
    expect((await taskOf(mark)).status).toBe('WAIT_APPROVE_WRITE');
    await telegram.as(bert.user).press(anew, 'Reject');
    const again = await telegram.waitForMessage(team, ({ id, text }) => id > anew.id && text.includes('Why is it no?'));
    expect(await telegram.as(bert.user).press(again, 'Reject without a reason')).toMatchObject({ text: 'Rejected.' });
    await heard(team, /^⏹/);
    expect((await taskOf(mark)).errorCode).toBe('REJECTED');
  });
});

const approveData = ({ buttons }: SeenMessage): string => {
  const [first] = buttons.flat().flatMap((button) => ('callback_data' in button ? [button.callback_data] : []));
  return first ?? '';
};
