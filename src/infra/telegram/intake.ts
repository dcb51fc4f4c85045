import { may, type Person } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import { createActs } from './acts.ts';
import { readData } from './buttons.ts';
import { type Command, readCommand } from './command-line.ts';
import { isCommandName } from './command-table.ts';
import type { Desk, Visit, Words } from './desk.ts';
import { ALLOW_GROUP, createDoorstep } from './doorstep.ts';
import { html, prose } from './html.ts';
import { createPresses, type PressReply } from './presses.ts';
import { readPrompt } from './prompts.ts';
import { sentenceOf } from './refusal-words.ts';
import { notAnAnswerReply, plainWordsReply, strangerAnswer, textOnlyReply } from './replies.ts';
import { createTalk } from './talk.ts';
import type { Arrival, Room } from './update.ts';

const CHANNEL = 'telegram';
type Said = Extract<Arrival, { kind: 'message' }>;
type Pressed = Extract<Arrival, { kind: 'press' }>;

/**
 * Takes what an update says: resolves when it is stored or refused, and its answer handed to the outbox. Throws what is only not possible now
 * (`isNotNow`), so that the same update is taken again, and faults of ours. Who somebody is, and what they may, is asked each time.
 */
export const createIntake = (desk: Desk): ((arrival: Arrival) => Promise<void>) => {
  const { bot, identities, chats, outbox, reading } = desk;
  const acts = createActs(desk);
  const talk = createTalk(desk, acts);
  const presses = createPresses(desk, acts);

  /** In a group it must be seen what is answered. */
  const say = ({ place, kind }: Room, messageId: number, words: Words): void =>
    void outbox.send({ place, priority: 'answer', ...(kind === 'group' && { replyTo: messageId }), ...words });
  const doorstep = createDoorstep(desk, say);

  const visitOf = ({ room, from, messageId, updateId }: Said | Pressed, person: Person): Visit => ({
    room,
    from,
    person,
    session: { personId: person.personId, channel: CHANNEL },
    key: `telegram:${bot.id}:${updateId}`,
    messageId,
    say: (words) => say(room, messageId, words),
  });

  const isOpen = async ({ kind, place }: Room): Promise<boolean> =>
    kind === 'private' || (await chats.bySubject(CHANNEL, place.chat))?.isAllowed === true;

  /** A refusal is an answer; everything else goes on to whoever asks again. */
  const told = async (visit: Visit, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence === undefined) throw error;
      visit.say({ text: html`${sentence}` });
    }
  };

  const replied = async (visit: Visit, { repliesTo, room }: Said, text: string): Promise<void> => {
    // Anybody can write what looks like a question of ours, or forward it.
    const ours = repliesTo?.from === bot.id ? repliesTo : null;
    const prompt = ours && readPrompt(ours.text);
    const button = ours?.button == null ? undefined : readData(ours.button);
    if (prompt) return talk.answer(visit, prompt, text, button && 'approvalId' in button ? button.approvalId : undefined);
    const card = repliesTo && reading.cardOf(room.place.chat, repliesTo.messageId);
    if (card?.key.startsWith('clarify-')) return talk.answerToCard(visit, card, text);
    // The record of the card may be missing after a crash; its buttons are not.
    if (button?.verb === 'clarify') return talk.answerToCard(visit, button, text);
    // In a group people may talk with each other about it.
    if (room.kind === 'private') visit.say({ text: repliesTo ? notAnAnswerReply : plainWordsReply });
  };

  const known = async (said: Said, person: Person, command: Command | undefined): Promise<void> => {
    const { room, text, repliesTo } = said;
    const visit = visitOf(said, person);
    await told(visit, async () => {
      if (text === null) {
        if (room.kind === 'private') visit.say({ text: textOnlyReply });
        return;
      }
      if (!command) return replied(visit, said, text);
      if (isCommandName(command.name)) return talk.spoken[command.name](visit, command.rest, repliesTo);
      return talk.unknown(visit);
    });
  };

  /** In a group many things are said that are not for us. */
  const isForUs = ({ room, repliesTo }: Said, command: Command | undefined): boolean => {
    if (command && command.bot !== null) return command.bot === bot.username;
    if (room.kind === 'private') return true;
    return command ? isCommandName(command.name) : repliesTo?.from === bot.id;
  };

  const message = async (said: Said): Promise<void> => {
    const { room, from, text } = said;
    const command = text === null ? undefined : readCommand(text);
    if (!isForUs(said, command)) return;
    desk.reachable(room.place.chat);
    const isCode = command?.name === 'start' && command.rest !== '';
    if (isCode) return doorstep.redeem(said, command.rest);
    if (!(await isOpen(room))) return doorstep.closedGroup(room);
    const person = await identities.byIdentity(CHANNEL, from.id);
    return person ? known(said, person, command) : doorstep.stranger(said, command);
  };

  const allowGroup = async (visit: Visit): Promise<PressReply> => {
    const { room, person, session, messageId } = visit;
    if (!may(person, { right: 'administer', repo: '*' })) throw new DomainError('forbidden');
    const { place, title } = room;
    const { position } = await chats.allow(session, CHANNEL, place.chat, title === '' ? place.chat : title);
    reading.noted(position);
    desk.groupAllowed(place.chat);
    const text = html`${reading.named(person.personId)} allowed me to work in this group. Those who are known here can ask for changes of code: ${prose('/help')}`;
    void outbox.edit({ place, messageId, text, keyboard: [], priority: 'answer' });
    return { text: 'This group is allowed now.' };
  };

  const pressed = async (press: Pressed): Promise<PressReply> => {
    const { room, from, data, messageFrom } = press;
    const person = await identities.byIdentity(CHANNEL, from.id);
    if (!person) return { text: strangerAnswer(from), alert: true };
    // Only buttons of our own messages are ours: elsewhere somebody put them there.
    if (messageFrom !== null && messageFrom !== bot.id) return { text: 'This is no button of mine.', alert: true };
    const visit = visitOf(press, person);
    if (data === ALLOW_GROUP && room.kind === 'group') return allowGroup(visit);
    if (!(await isOpen(room))) return { text: 'I do not work in this group. An admin can allow it.', alert: true };
    return presses(visit, data);
  };

  /** Every press is answered, or it looks as if it were still being worked on. */
  const press = async (arrival: Pressed): Promise<void> => {
    let reply: PressReply;
    try {
      reply = await pressed(arrival);
    } catch (error) {
      const sentence = sentenceOf(error);
      if (sentence === undefined) throw error;
      reply = { text: sentence, alert: true };
    }
    void outbox.answerPress(arrival.queryId, reply.text, reply.alert);
  };

  return async (arrival) => {
    switch (arrival.kind) {
      case 'message':
        return message(arrival);
      case 'press':
        return press(arrival);
      case 'odd_press':
        return void outbox.answerPress(arrival.queryId, 'This is no button of mine.', true);
      case 'membership':
        if (!arrival.isMember) return;
        desk.reachable(arrival.room.place.chat);
        if (arrival.room.kind !== 'private' && !(await isOpen(arrival.room))) doorstep.closedGroup(arrival.room);
        return;
      case 'migration':
        await chats.moved(CHANNEL, arrival.from, arrival.to);
        return outbox.migrate(arrival.from, arrival.to);
      case 'anonymous':
        return doorstep.anonymous(arrival);
      case 'nothing':
        return;
    }
  };
};

export type Intake = ReturnType<typeof createIntake>;
