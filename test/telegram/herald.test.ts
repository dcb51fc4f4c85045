import { describe, expect, it } from 'vitest';
import { cardIdOf, cardStream } from '../../src/domain/card.ts';
import { type EventStore, StoreUnavailable } from '../../src/domain/event-store.ts';
import { html } from '../../src/infra/telegram/html.ts';
import { FIRST_WORD_MS } from '../../src/infra/telegram/notices.ts';
import * as events from '../domain/task/events.ts';
import { ANNA, text } from '../domain/task/samples.ts';
import type { SeenMessage } from '../support/telegram/index.ts';
import { taskIdOf } from '../views/stories.ts';
import { openStudio, type Studio } from './studio.ts';

const starts = (words: string) => (message: SeenMessage | undefined) => message?.text.startsWith(words) ?? false;
const last = (said: readonly SeenMessage[]): SeenMessage | undefined => said.at(-1);
const isAsked = (said: readonly SeenMessage[]): boolean => starts('✋ May this run?')(last(said));

const types = async ({ store, chat }: Studio, number = 1): Promise<string[]> => {
  const stream = cardStream(cardIdOf(taskIdOf(number), String(chat.id), null));
  return (await Array.fromAsync(store.readStream(stream))).map(({ type }) => type);
};

/** A log that takes everything but that something was posted. */
const forgetful = (store: EventStore): Pick<EventStore, 'append' | 'readStream'> => ({
  readStream: (...all) => store.readStream(...all),
  append: async (stream, all, expected) => {
    if (all.some(({ type }) => type === 'CardPosted')) throw new StoreUnavailable('away');
    return store.append(stream, all, expected);
  },
});

describe('The card of a task', () => {
  it('is one message a state that matters, edited in between, and the end is a message of its own', async () => {
    const studio = await openStudio();
    const question = studio.tg.as(studio.ann).send(studio.chat, '/task Fix it');
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1, studio.chat, question.id);
    const [asked] = await studio.until(isAsked);
    expect(asked).toMatchObject({ silent: false, replyTo: question.id });
    await studio.tell(1, events.untilAgent, events.untilPrepared.length);
    await studio.until((said) => starts('⚙️ The agent is working')(last(said)));
    expect(studio.said()).toHaveLength(1);
    await studio.tell(1, events.untilCompleted, events.untilAgent.length);
    await studio.until((said) => said.length === 2 && starts('▫️')(said[0]));
    expect(studio.said().map(({ text: words }) => words.split('\n')[0])).toEqual([
      expect.stringMatching(/^▫️ .{8} attempt 1: done\. See below\.$/),
      expect.stringMatching(/^✅ Draft pull request #7/),
    ]);
    expect(studio.said()[0]?.buttons).toEqual([]);
    expect(await types(studio)).toEqual(['CardWanted', 'CardPosted', 'CardPosted']);
    expect(studio.faults).toEqual([]);
  });

  it('waits a moment with its first word, and says it without a sound', async () => {
    const studio = await openStudio();
    await studio.tell(1, [events.taskCreated({}, { at: new Date().toISOString() })]);
    await studio.follow(1);
    expect(studio.said()).toEqual([]);
    const begun = performance.now();
    await studio.until((said) => starts('⏳ Being prepared')(last(said)));
    expect(performance.now() - begun).toBeLessThan(FIRST_WORD_MS * 2);
    expect(last(studio.said())?.silent).toBe(true);
  });

  it('brings the last words of the agent, a few edits for many lines', async () => {
    const studio = await openStudio();
    await studio.tell(1, events.untilAgent);
    await studio.follow(1);
    await studio.until((said) => said.length === 1);
    for (let line = 0; line < 300; line++) {
      studio.progress(1, `line ${line}`);
      await studio.time.pass(100);
    }
    await studio.until((said) => last(said)?.text.includes('line 299') ?? false);
    expect(last(studio.said())?.earlier.length).toBeLessThanOrEqual(15);
  });

  it('asks a person at once, whatever quiet word about the same task still waits', async () => {
    const studio = await openStudio();
    const group = studio.tg.group({ title: 'Team', members: [studio.ann] });
    studio.tg.as(studio.ann).addBot(group);
    const place = { chat: String(group.id), thread: null };
    for (let number = 0; number < 40; number++) void studio.outbox.send({ place, priority: 'end', text: html`${number}` });
    await studio.tell(1, [events.taskCreated()]);
    await studio.follow(1, group);
    await studio.time.pass(5_000);
    await studio.tell(1, events.untilPrepared, 1);
    const before = studio.time.now();
    await studio.until((said) => said.some(starts('✋')), group);
    expect(studio.time.now() - before).toBeLessThan(30_000);
    expect(studio.said(group).some(starts('⏳'))).toBe(false);
  });

  it('says nothing more in a chat that may not hear of it, until it may again', async () => {
    let isToldTo = true;
    const studio = await openStudio({ mayBeTold: async () => isToldTo });
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1);
    await studio.until(isAsked);
    isToldTo = false;
    await studio.tell(1, events.untilCompleted, events.untilPrepared.length);
    await studio.quiet();
    await studio.restart();
    await studio.quiet();
    expect(studio.said()).toHaveLength(1);
    expect(isAsked(studio.said())).toBe(true);
    isToldTo = true;
    await studio.befriend();
    await studio.until((said) => starts('✅')(last(said)));
  });

  it('is withdrawn while it waits for Telegram, when its chat may not hear of it any more', async () => {
    let isToldTo = true;
    const studio = await openStudio({ mayBeTold: async () => isToldTo });
    await studio.tg.down();
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1);
    await expect.poll(() => studio.outbox.waiting()).toBe(1);
    isToldTo = false;
    await studio.befriend();
    await expect.poll(() => studio.outbox.waiting()).toBe(0);
    await studio.tg.up();
    await studio.quiet();
    expect(studio.said()).toEqual([]);
  });

  it('is wanted once, however often that is said', async () => {
    const studio = await openStudio();
    await studio.tell(1, events.untilPrepared);
    await Promise.all([studio.follow(1), studio.follow(1), studio.follow(1)]);
    await studio.until(isAsked);
    await studio.quiet();
    expect(studio.said()).toHaveLength(1);
  });

  it('has the whole of a long request before the question', async () => {
    const studio = await openStudio();
    const intent = 'Make it right. '.repeat(400).trim();
    await studio.tell(1, [events.taskCreated({ intent: text(intent) }), events.requestPrepared()]);
    await studio.follow(1);
    const [file, card] = await studio.until((said) => said.length === 2);
    expect(file?.file?.bytes.toString()).toBe(intent);
    expect(card).toMatchObject({ replyTo: file?.id, silent: false });
    expect(card?.buttons.flat().map(({ text: label }) => label)).toContain('Approve');
  });

  it('is posted again when somebody deletes what a person must act on', async () => {
    const studio = await openStudio();
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1);
    const [asked] = await studio.until(isAsked);
    if (asked) studio.tg.as(studio.ann).delete(asked);
    await studio.restart();
    await studio.until((said) => said.length === 1 && isAsked(said));
    await studio.quiet();
    expect(await types(studio)).toEqual(['CardWanted', 'CardPosted', 'CardPosted']);
  });
});

describe('A herald that died', () => {
  it('between sending a card and recording it makes at worst a second one', async () => {
    const studio = await openStudio();
    await studio.restart({ store: forgetful(studio.store) });
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1);
    await studio.until(isAsked);
    expect(await types(studio)).toEqual(['CardWanted']);
    await studio.restart();
    await studio.until((said) => said.length === 2);
    await studio.restart();
    await studio.quiet();
    expect(studio.said()).toHaveLength(2);
    expect(await types(studio)).toEqual(['CardWanted', 'CardPosted']);
  });

  it('has lost nothing: what happened meanwhile is told by the next, once', async () => {
    const studio = await openStudio();
    for (const number of [1, 2, 3]) {
      await studio.tell(number, events.untilPrepared);
      await studio.follow(number);
    }
    await studio.until((said) => said.length === 3);
    await studio.tg.down();
    await studio.tell(1, events.untilCompleted, events.untilPrepared.length);
    await studio.tell(2, events.untilPatchGate, events.untilPrepared.length);
    await studio.restart();
    await studio.time.pass(60_000);
    await studio.tg.up();
    await studio.until((said) => said.length === 5);
    await studio.quiet();
    expect(studio.said().map(({ text: words }) => words.slice(0, 12))).toEqual([
      expect.stringContaining('▫️'),
      expect.stringContaining('▫️'),
      expect.stringContaining('✋ May this '),
      ...[expect.stringMatching(/✅|⚠️/), expect.stringMatching(/✅|⚠️/)],
    ]);
  });

  it('while the log is away records what it posted once the log is back', async () => {
    const studio = await openStudio();
    let away = true;
    const store: Pick<EventStore, 'append' | 'readStream'> = {
      readStream: (...all) => studio.store.readStream(...all),
      append: (...all) => (away ? forgetful(studio.store) : studio.store).append(...all),
    };
    await studio.restart({ store });
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1);
    await studio.until(isAsked);
    await studio.time.pass(5_000);
    away = false;
    await studio.quiet();
    expect(studio.said()).toHaveLength(1);
    expect(await types(studio)).toEqual(['CardWanted', 'CardPosted']);
  });

  it('posts nothing twice when the views are built anew', async () => {
    const studio = await openStudio();
    await studio.tell(1, events.untilPrepared);
    await studio.tell(2, events.untilCompleted);
    await studio.follow(1);
    await studio.follow(2);
    await studio.until((said) => said.length === 2);
    await studio.quiet();
    const before = [...studio.views.dump()];
    await studio.views.rebuild();
    await studio.quiet();
    expect(studio.said()).toHaveLength(2);
    expect([...studio.views.dump()]).toEqual(before);
  });
});

describe('A chat that takes nothing', () => {
  it('is recorded once, stops nothing else, and gets what it missed when it is heard again', async () => {
    const studio = await openStudio();
    const bob = studio.tg.person({ id: 12, firstName: 'Bob' });
    const bobs = studio.tg.privateChat(bob);
    studio.tg.as(bob).send(bobs, 'hello');
    studio.tg.as(bob).block();
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1, bobs);
    await studio.follow(1);
    await studio.until(isAsked);
    await studio.quiet();
    const stream = cardStream(cardIdOf(taskIdOf(1), String(bobs.id), null));
    const recorded = async () => (await Array.fromAsync(studio.store.readStream(stream))).map(({ type }) => type);
    expect(await recorded()).toEqual(['CardWanted', 'CardUndeliverable']);
    await studio.tell(1, events.untilAgent, events.untilPrepared.length);
    await studio.restart();
    await studio.quiet();
    expect(await recorded()).toEqual(['CardWanted', 'CardUndeliverable']);
    studio.herald.reachable(String(bobs.id));
    await studio.quiet();
    expect(await recorded()).toEqual(['CardWanted', 'CardUndeliverable', 'CardUndeliverable']);
    studio.tg.as(bob).unblock();
    studio.herald.reachable(String(bobs.id));
    await studio.until((said) => starts('⚙️')(last(said)), bobs);
  });
});

describe('A group that becomes a supergroup', () => {
  it('gets the question again in its new self, and no end that it has seen', async () => {
    const studio = await openStudio();
    const { ann } = studio;
    const group = studio.tg.group({ title: 'Team', members: [ann], basic: true });
    studio.tg.as(ann).addBot(group);
    await studio.tell(1, events.untilPrepared);
    await studio.tell(2, events.untilCompleted);
    await studio.follow(1, group);
    await studio.follow(2, group);
    await studio.until((said) => said.length === 2, group);
    await studio.quiet();
    const next = studio.tg.as(ann).migrate(group);
    studio.outbox.migrate(String(group.id), String(next.id));
    await studio.until((said) => said.length === 1 && isAsked(said), next);
    await studio.restart();
    await studio.quiet();
    expect(studio.said(next)).toHaveLength(1);
    await studio.tell(1, events.untilCompleted, events.untilPrepared.length);
    await studio.until((said) => starts('✅')(last(said)), next);
  });

  it('is told what the group did not take', async () => {
    const studio = await openStudio();
    const { ann } = studio;
    const group = studio.tg.group({ title: 'Team', members: [ann], basic: true });
    studio.tg.as(ann).addBot(group);
    studio.tg.as(ann).removeBot(group);
    await studio.tell(1, events.untilPrepared);
    await studio.follow(1, group);
    await studio.quiet();
    studio.tg.as(ann).addBot(group);
    await studio.quiet();
    expect(studio.said(group)).toEqual([]);
    const next = studio.tg.as(ann).migrate(group);
    studio.outbox.migrate(String(group.id), String(next.id));
    await studio.until((said) => said.length === 1 && isAsked(said), next);
  });
});

describe('The notify chat', () => {
  const withGroup = async (mayApprove: boolean): Promise<Studio & { readonly team: { readonly id: number } }> => {
    const studio = await openStudio({ mayApprove: async (personId) => mayApprove || personId !== ANNA });
    const boss = studio.tg.person({ id: 13, firstName: 'Boss' });
    const team = studio.tg.group({ title: 'Team', members: [boss] });
    studio.tg.as(boss).addBot(team);
    await studio.restart({ notify: { chat: String(team.id), thread: null } });
    return Object.assign(studio, { team });
  };

  it('gets the card of a task that was filed elsewhere', async () => {
    const studio = await withGroup(true);
    await studio.tell(1, events.untilPrepared);
    await studio.until(isAsked, studio.team);
    await studio.restart({ notify: { chat: String(studio.team.id), thread: null } });
    await studio.quiet();
    expect(studio.said(studio.team)).toHaveLength(1);
  });

  it('gets it too when it was filed while the service was down', async () => {
    const studio = await withGroup(true);
    await studio.herald.stop();
    await studio.tell(1, events.untilPrepared);
    await studio.restart({ notify: { chat: String(studio.team.id), thread: null } });
    await studio.until(isAsked, studio.team);
  });

  it('gets what somebody filed in private who may not approve it, and nothing that concerns only who may', async () => {
    for (const may of [false, true]) {
      const studio = await withGroup(may);
      await studio.fileByTelegram(1);
      await studio.follow(1);
      await studio.tell(1, events.untilPrepared, 1);
      await studio.until(isAsked);
      await studio.quiet();
      expect(studio.said(studio.team)).toHaveLength(may ? 0 : 1);
    }
  });
});
