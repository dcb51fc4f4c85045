import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TaskView } from '../../src/projections/task-view.ts';
import { type Colleague, MEND, type Office, openOffice } from './office.ts';

const tasksOf = async ({ admin }: Office) =>
  z
    .object({ tasks: z.array(z.object({ taskId: z.string(), status: z.string(), source: z.object({ im: z.string() }) })) })
    .parse((await admin.call('GET', '/api/v1/tasks')).json()).tasks;

describe.each(['polling', 'webhook'] as const)('A request for a change in a chat, by %s', (mode) => {
  let office: Office;
  let ann: Colleague;
  let bert: Colleague;

  beforeAll(async () => {
    office = await openOffice({ mode });
    ann = await office.known('Ann', 'requester');
    bert = await office.known('Bert', 'approver');
  });
  afterAll(() => office?.close());

  it('becomes a Draft pull request by pressing buttons, and a second person approves it in a group', async () => {
    const { telegram, heard, admin } = office;
    const root = await office.known('Root', 'admin');
    const group = telegram.group({ title: 'Widgets', members: [root.user, ann.user, bert.user] });
    telegram.as(root.user).addBot(group);
    const question = await heard(group, 'I do not work in this group yet');
    expect(await telegram.as(ann.user).press(question, 'Allow this group')).toMatchObject({ alert: true });
    expect(await telegram.as(root.user).press(question, 'Allow this group')).toMatchObject({
      text: 'This group is allowed now.',
    });

    const asked = telegram.as(ann.user).send(group, `/task@countersign_bot ${MEND}`);
    const card = await heard(group, 'sum.sh');
    expect(card.replyTo).toBe(asked.id);
    expect(await telegram.as(ann.user).press(card, 'Approve')).toMatchObject({
      alert: true,
      text: expect.stringContaining('may not'),
    });
    expect(await telegram.as(bert.user).press(card, 'Approve')).toMatchObject({ text: 'Approved.' });

    const end = await heard(group, /^✅/, 60_000);
    expect(end.silent).toBe(false);
    const [task] = await tasksOf(office);
    expect(task).toMatchObject({ status: 'COMPLETED', source: { im: 'telegram' } });
    const view = z.object({ task: TaskView }).parse((await admin.call('GET', `/api/v1/tasks/${task?.taskId}`)).json()).task;
    expect(view.approvals).toMatchObject([{ by: bert.personId, byRequester: false }]);
    expect(
      await telegram
        .as(bert.user)
        .press(card, 'Approve')
        .catch((error: Error) => error.message),
    ).toContain('0 buttons');
  });
});
