import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDispatch } from '../../src/commands/dispatch.ts';
import { createErasure } from '../../src/commands/erasure.ts';
import { createPeople } from '../../src/commands/people.ts';
import { createStreams } from '../../src/commands/streams.ts';
import { sha256 } from '../../src/domain/canonical.ts';
import { type ChatCommand, chatIdOf, chatKind } from '../../src/domain/chat/index.ts';
import type { PersonCommand } from '../../src/domain/person/commands.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { createCards, wantedCardId } from '../../src/infra/telegram/cards.ts';
import { peopleLookUps } from '../../src/infra/views/people-queries.ts';
import { ANNA, BERT, NOON, TASK_ID, TOMORROW, text, uuid } from '../domain/task/samples.ts';
import { aFolder, aStore, theViews } from './places.ts';

const PHONE = '4711';

const registered = async () => {
  const folder = aFolder();
  const store = aStore(folder);
  const streams = createStreams(store);
  const dispatch = createDispatch({ store, streams, people: createPeople(streams), kinds: [personKind, chatKind] });
  const views = await theViews(folder, store);
  const say = async (command: PersonCommand | ChatCommand): Promise<void> => {
    const sent = { id: crypto.randomUUID(), ...command, actor: 'system:setup', channel: 'system', at: NOON };
    await views.waitFor((await dispatch(sent)).position ?? '', 5_000);
  };
  for (const personId of [ANNA, BERT]) await say({ type: 'AddPerson', data: { personId, name: text('A person') } });
  const account = (personId: string) => ({ personId, channel: 'telegram' as const, subject: text(PHONE) });
  return { folder, store, views, say, account, dispatch };
};

describe('The view of people', () => {
  it('knows whose an account is, the earliest link first, whoever was known first', async () => {
    const { views, say, account } = await registered();
    await say({ type: 'LinkIdentity', data: account(BERT) });
    await say({ type: 'LinkIdentity', data: account(ANNA) });
    expect(views.queries.peopleByIdentity('telegram', PHONE)).toEqual([BERT, ANNA]);
    expect(views.queries.peopleByIdentity('github', PHONE)).toEqual([]);
    await say({ type: 'UnlinkIdentity', data: { ...account(BERT), subject: PHONE } });
    await say({ type: 'LinkIdentity', data: account(BERT) });
    expect(views.queries.peopleByIdentity('telegram', PHONE)).toEqual([ANNA, BERT]);
  });

  it('knows whose a code is until it is used, withdrawn or replaced', async () => {
    const { views, say, account } = await registered();
    const invite = (name: string) =>
      say({
        type: 'Invite',
        data: { personId: ANNA, invitationId: uuid(name), codeHash: sha256(name), channel: 'telegram', expiresAt: TOMORROW },
      });
    await invite('one');
    await invite('two');
    expect(views.queries.personByInvitation(sha256('one'))).toBeUndefined();
    expect(views.queries.personByInvitation(sha256('two'))).toBe(ANNA);
    await say({ type: 'RedeemInvitation', data: { ...account(ANNA), codeHash: sha256('two') } });
    expect(views.queries.personByInvitation(sha256('two'))).toBeUndefined();
  });

  it('and that of cards hold no number of an account of somebody who was erased, nor does the log', async () => {
    const { folder, store, views, say, account, dispatch } = await registered();
    const number = '1234567890123';
    await say({ type: 'LinkIdentity', data: { ...account(ANNA), subject: text(number) } });
    const clock = { now: () => NOON, uuid: () => crypto.randomUUID() };
    const cards = createCards({ store, clock, pause: async () => undefined });
    const wanted = { taskId: TASK_ID, place: { chat: number, thread: null }, replyTo: 1, owner: ANNA };
    await cards.want(wanted);
    await cards.posted(wantedCardId(wanted), 'end-1', 1, wanted.place, 7);
    const queries = peopleLookUps(views, store);
    const onDisk = (): boolean =>
      readdirSync(folder).some((file) => /^(?:log|views)\.db/.test(file) && readFileSync(join(folder, file)).includes(number));
    await queries.fresh();
    expect(onDisk()).toBe(true);
    expect(queries.cardsIn(number)).toHaveLength(1);
    const erasure = createErasure({ store, erase: store.redactEvent, dispatch, queries, clock });
    await queries.fresh((await erasure({ personId: 'system:test', channel: 'cli' }, ANNA)).position);
    expect(queries.cardsIn(number)).toEqual([]);
    await expect.poll(onDisk, { timeout: 10_000 }).toBe(false);
    const before = [...views.dump()];
    await views.rebuild();
    expect([...views.dump()]).toEqual(before);
  });

  it('is the same when it is built anew, chats included', async () => {
    const { views, say, account } = await registered();
    await say({ type: 'LinkIdentity', data: account(BERT) });
    await say({ type: 'LinkIdentity', data: account(ANNA) });
    await say({ type: 'ErasePerson', data: { personId: BERT } });
    await say({ type: 'ForgetPerson', data: { personId: BERT, revisions: [0, 1] } });
    const chatId = chatIdOf('telegram', '-4711');
    await say({ type: 'AllowChat', data: { chatId, channel: 'telegram', subject: text('-4711'), title: text('Engine room') } });
    await say({ type: 'MoveChat', data: { chatId, subject: text('-1004711') } });
    expect(views.queries.chatBySubject('telegram', '-1004711')).toBe(chatId);
    expect(views.queries.chatBySubject('telegram', '-4711')).toBeUndefined();
    expect(views.queries.listChats()).toMatchObject([{ chatId, subject: '-1004711', allowed: true }]);
    const before = [...views.dump()];
    await views.rebuild();
    expect([...views.dump()]).toEqual(before);
  });
});
