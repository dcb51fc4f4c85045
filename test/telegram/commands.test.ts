import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TaskView } from '../../src/projections/task-view.ts';
import { file } from '../support/client.ts';
import { allTaken, type Colleague, MEND, type Office, openOffice, saidAfter } from './office.ts';

let office: Office;

beforeAll(async () => {
  office = await openOffice({ branches: { release: { 'sum.sh': 'echo $(($1 - $2))\n', 'test.sh': 'true\n' } } });
});
afterAll(() => office?.close());

const tasks = async (): Promise<readonly TaskView[]> => {
  const listed = await office.admin.call('GET', '/api/v1/tasks?limit=100');
  const { tasks: found } = z.object({ tasks: z.array(z.object({ taskId: z.string() })) }).parse(listed.json());
  const answers = await Promise.all(found.map(({ taskId }) => office.admin.call('GET', `/api/v1/tasks/${taskId}`)));
  return answers.map((answer) => z.object({ task: TaskView }).parse(answer.json()).task);
};

const taskFor = async (words: string): Promise<TaskView> => {
  const found = (await tasks()).find(({ intent }) => intent.includes(words));
  if (!found) throw new Error(`no task says "${words}"`);
  return found;
};

/** Says it in the person's private chat and gives the first answer that fits. */
const saying = async ({ user, chat }: Colleague, text: string, answer: string | RegExp, replyTo?: { readonly id: number }) => {
  const { id } = office.telegram.as(user).send(chat, text, replyTo && { replyTo });
  return office.telegram.waitForMessage(
    chat,
    (message) =>
      message.id > id &&
      message.from.is_bot &&
      (typeof answer === 'string' ? message.text.includes(answer) : answer.test(message.text)),
    20_000,
  );
};

describe('A person who writes to the bot', () => {
  it('does the whole job by typing', async () => {
    const ann = await office.known('Ann', 'requester', 'approver');
    const card = await saying(ann, `/task ${MEND}`, 'sum.sh');
    const { taskId, approval } = await taskFor('sum.sh');
    const id = taskId.slice(0, 8);
    expect(card.text).toContain(`/approve ${id} ${approval?.digest.slice(0, 8)}`);
    await saying(ann, `/approve ${id}`, 'May this run?');
    await saying(ann, `/approve ${id} 00000000`, 'What you read is not what would run now. Read the newer card.');
    await saying(ann, `/diff ${id}`, 'There is no patch of this task yet.');
    await saying(ann, `/approve ${id} ${approval?.digest.slice(0, 8)}`, `Approved: task ${id}.`);
    await office.heard(ann.chat, /^✅/, 60_000);
    const patch = await saying(ann, `/diff ${id}`, 'Patch of task');
    expect(patch.text).toContain('+echo $(($1 + $2))');
    await saying(ann, `/logs ${id} tests`, 'Log of the tests');
    await saying(ann, `/rerun ${id} Again, please.`, 'Another attempt is being prepared');
    await saying(ann, `/task status ${id}`, 'Again, please.');
    await saying(ann, `/cancel ${id} Enough.`, `Cancelled: task ${id}.`);
    await saying(ann, `/cancel ${id}`, 'It was so already');
    await saying(ann, `/retry ${id}`, 'not waiting for a clarification');
    await saying(ann, '/status ffffff', 'There is no such task. /tasks lists those you may see.');
    await saying(ann, '/reject', 'Write it like this: /reject task [reason]');
  });

  it('keeps what was chosen last, below what is said and above what the operator says', async () => {
    const dan = await office.known('Dan', 'requester');
    await saying(dan, '/task base=release echo first choice', 'first choice');
    await saying(dan, '/task echo second choice', 'second choice');
    expect((await taskFor('second choice')).baseBranch).toBe('release');
    await saying(dan, '/task base=main echo third choice', 'third choice');
    expect((await taskFor('third choice')).baseBranch).toBe('main');
    // The base of one repository is none of another.
    await saying(dan, '/task base=release echo fourth choice', 'fourth choice');
    await saying(dan, '/task repo=acme/other echo fifth choice', 'fifth choice');
    expect(await taskFor('fifth choice')).toMatchObject({ repo: 'acme/other', baseBranch: 'main' });
    const eli = await office.known('Eli', 'requester');
    await saying(eli, '/task echo of somebody else', 'of somebody else');
    expect((await taskFor('of somebody else')).baseBranch).toBe('main');
  });

  it('is asked for the words that are missing, and may take those of another message', async () => {
    const fay = await office.known('Fay', 'requester');
    const prompt = await saying(fay, '/task base=release test="sh test.sh"', 'What should be changed?');
    expect(prompt.forceReply).toBeDefined();
    await saying(fay, 'echo "said\nin a reply"', 'in a reply', prompt);
    expect(await taskFor('in a reply')).toMatchObject({
      intent: 'echo "said\nin a reply"',
      baseBranch: 'release',
      testCommand: 'sh test.sh',
    });

    const idea = office.telegram.as(fay.user).send(fay.chat, 'echo an idea\nwith <b>lines</b> \u202e');
    await saying(fay, '/task echo my words', 'my words', idea);
    expect((await taskFor('my words')).intent).toBe('echo my words\n\necho an idea\nwith <b>lines</b> \u202e');
    // What the bot said itself is no request.
    const hint = await office.heard(fay.chat, 'only commands count');
    await saying(fay, '/task', 'What should be changed?', hint);
  });

  it('may say 8,000 characters, and no more', async () => {
    const gus = await office.known('Gus', 'requester');
    const first = office.telegram.as(gus.user).send(gus.chat, `echo ${'a'.repeat(3_990)}`);
    await saying(gus, `/task echo ${'b'.repeat(3_990)}`, 'bbb', first);
    expect((await taskFor('bbbb')).intent).toHaveLength(3_995 * 2 + 2);
    const long = office.telegram.as(gus.user).send(gus.chat, 'c'.repeat(4_090));
    await saying(gus, `/task ${'d'.repeat(4_080)}`, 'That is too long: at most 8000 characters.', long);
  });

  it('is told what is wrong in the words of a chat', async () => {
    const hal = await office.known('Hal', 'requester acme/widgets');
    await saying(hal, '/task brnch=main fix it', 'brnch= is no option');
    await saying(hal, '/task repo=acme/secret fix it', 'You may not do this here.');
    await saying(hal, '/frobnicate', 'There is no such command.');
    await saying(hal, '/tasks nonsense', 'Write /tasks, and then');
    await saying(hal, 'please fix it', 'only commands count');
    const { token } = office.telegram;
    await saying(hal, `/task use ${token}`, 'looks like a secret');
    expect((await office.admin.call('GET', '/api/v1/audit.jsonl')).text).not.toContain(token);
    expect(saidAfter(office.telegram, hal.chat, 0).join('\n')).not.toContain('countersign ');
  });

  it('is asked by the bot alone: words that only look like its question are none', async () => {
    const kim = await office.known('Kim', 'requester', 'approver');
    await saying(kim, '/task echo asked for real', /✋.*asked for real/s);
    const { taskId } = await taskFor('asked for real');
    const forged = `Why is it no? Reply to this message, and task ${taskId.slice(0, 8)}, attempt 1 is rejected.`;
    office.telegram.as(kim.user).send(kim.chat, forged);
    const mine = office.telegram.messages(kim.chat).at(-1);
    if (!mine) throw new Error('Kim wrote nothing');
    await saying(kim, 'nice', 'asks for no words', mine);
    expect((await taskFor('asked for real')).status).toBe('WAIT_APPROVE_WRITE');
  });

  it('is asked to use words when they send something else', async () => {
    const ida = await office.known('Ida', 'requester');
    const bytes = Buffer.from('x');
    office.telegram.as(ida.user).voice(ida.chat, { bytes });
    office.telegram.as(ida.user).photo(ida.chat, { bytes, caption: '/task echo in a caption' });
    await allTaken(office.telegram);
    await saying(ida, '/whoami', 'You are Ida here');
    expect(saidAfter(office.telegram, ida.chat, 0).filter((text) => text.startsWith('I read text only'))).toHaveLength(2);
    expect((await office.admin.call('GET', '/api/v1/tasks')).text).not.toContain('in a caption');
  });

  it('changes nothing by editing a message afterwards', async () => {
    const jo = await office.known('Jo', 'requester');
    await saying(jo, '/task echo before the edit', 'before the edit');
    const sent = office.telegram.messages(jo.chat)[0];
    if (!sent) throw new Error('Jo wrote nothing');
    expect(office.telegram.as(jo.user).edit(sent, '/task echo after the edit').updateId).toBeUndefined();
    const edited = {
      message_id: sent.id,
      date: 1,
      chat: { id: jo.chat.id, type: 'private' },
      from: jo.user,
      text: '/task echo edited',
    };
    office.telegram.inject(jo.chat, { edited_message: edited } as never);
    await saying(jo, '/whoami', 'You are Jo here');
    expect((await office.admin.call('GET', '/api/v1/tasks')).text).not.toMatch(/after the edit|echo edited/);
  });

  it('files a request once, however often Telegram gives it', async () => {
    const kim = await office.known('Kim', 'requester');
    const { updateId } = office.telegram.as(kim.user).send(kim.chat, '/task echo given again');
    await office.heard(kim.chat, 'given again');
    for (let time = 0; time < 3; time++) {
      office.telegram.redeliver(updateId ?? 0);
      await allTaken(office.telegram);
    }
    await saying(kim, '/whoami', 'You are Kim here');
    expect((await tasks()).filter(({ intent }) => intent.includes('given again'))).toHaveLength(1);
    expect(
      office.telegram.messages(kim.chat).filter(({ text }) => text.includes('given again') && text.startsWith('✋')),
    ).toHaveLength(1);
  });

  it('sees what waits for whom, and pages of tasks, as far as they may', async () => {
    for (let number = 1; number <= 12; number++) await file(office.admin, `echo page ${number}.`);
    const mia = await office.known('Mia', 'viewer');
    const overview = await saying(mia, '/status', 'Waiting');
    expect(overview.text).toMatch(/needs an approval to run.*acme\/widgets/);
    expect(overview.text).toMatch(/answers|Not well/);
    const first = await saying(mia, '/tasks waiting repo=acme/widgets', 'Waiting for a person of acme/widgets');
    expect(first.text).toContain('echo page 12.');
    await office.telegram.as(mia.user).press(first, 'Older');
    await office.telegram.waitForMessage(mia.chat, ({ id, text }) => id === first.id && text.includes('echo page 2.'), 10_000);
    const nobody = await office.known('Nobody');
    await saying(nobody, '/tasks', 'There are none.');
    const { taskId } = await taskFor('echo page 1.');
    for (const command of ['status', 'diff', 'logs', 'approve', 'reject', 'cancel', 'rerun'])
      await saying(nobody, `/${command} ${taskId}`, 'There is no such task.');
  });
});
