import type { ChatRef, SeenMessage, Transcript } from '../../support/telegram/index.ts';
import { allTaken, type Colleague } from '../../telegram/office.ts';
import type { Place } from './place.ts';

/** A chat as somebody sees it at one moment. */
export interface Picture {
  /** Of the file, without `.png`. */
  readonly name: string;
  readonly transcript: Transcript;
  /** Whose own messages stand on the right. */
  readonly viewer: number;
}

const RUN_MS = 60_000;

/** Plays what a team goes through, and takes a picture wherever there is something to see. */
export const playStories = async (place: Place): Promise<readonly Picture[]> => {
  const { telegram, heard, admin } = place;
  const pictures: Picture[] = [];
  const ann = await place.known('Ann', 'requester acme/*');
  const bert = await place.known('Bert', 'approver acme/*', 'requester acme/*');
  const ines = await place.known('Ines', 'admin');
  const team = telegram.group({ title: 'Shop team', members: [ines.user, ann.user, bert.user] });

  /** What is in the chat from this message on, or only the messages that are named. */
  const take = (name: string, chat: ChatRef, viewer: Colleague['user'], from: number | readonly number[]): void => {
    const transcript = telegram.transcript(chat);
    const messages = transcript.messages.filter(({ id }) => (typeof from === 'number' ? id >= from : from.includes(id)));
    pictures.push({ name, transcript: { ...transcript, messages }, viewer: viewer.id });
  };
  const after = (chat: ChatRef, { id: earlier }: Pick<SeenMessage, 'id'>, words: RegExp): Promise<SeenMessage> =>
    telegram.waitForMessage(chat, ({ id, from, text }) => id > earlier && from.is_bot && words.test(text), RUN_MS);
  const ask = async (words: string) => {
    const asked = telegram.as(ann.user).send(team, `/task@countersign_bot ${words}`);
    return { asked, card: await after(team, asked, /May this run/) };
  };
  /** Whatever still comes is there. */
  const settled = async (): Promise<void> => {
    await allTaken(telegram);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
  };

  const stranger = async (): Promise<void> => {
    const mallory = place.stranger('Mallory');
    const chat = telegram.privateChat(mallory);
    telegram.as(mallory).send(chat, '/tasks');
    await heard(chat, 'You are not known here');
    take('stranger', chat, mallory, 0);
  };

  const invitation = async (): Promise<void> => {
    const cleo = place.stranger('Cleo');
    const chat = telegram.privateChat(cleo);
    const { person_id: id } = (await admin.call('POST', '/api/v1/people', { name: 'Cleo' })).json() as { person_id: string };
    await admin.call('POST', `/api/v1/people/${id}/roles`, { role: 'viewer', repositories: '*' });
    const invited = await admin.call('POST', `/api/v1/people/${id}/invitations`, { channel: 'telegram' });
    telegram.as(cleo).send(chat, (invited.json() as { say: string }).say);
    await heard(chat, 'Welcome');
    take('invitation', chat, cleo, 0);
  };

  const group = async (): Promise<void> => {
    telegram.as(ines.user).addBot(team);
    const question = await heard(team, 'I do not work in this group yet');
    take('group', team, ines.user, 0);
    await telegram.as(ines.user).press(question, 'Allow this group');
    await telegram.waitForMessage(team, ({ text }) => text.includes('allowed me to work'));
  };

  const delivery = async (): Promise<void> => {
    const { asked, card } = await ask('Three cups cost as much as one: the quantity of an item is not counted.');
    take('approval-card', team, ann.user, asked.id);
    await telegram.as(bert.user).press(card, 'Approve');
    await telegram.waitForMessage(
      team,
      ({ id, text }) => id === card.id && /The agent is working/.test(text) && /quantity of an item is never/.test(text),
      RUN_MS,
    );
    take('progress-card', team, ann.user, asked.id);
    const end = await after(team, card, /Draft pull request #/);
    await settled();
    take('ending', team, ann.user, [asked.id, card.id, end.id]);
  };

  const question = async (): Promise<void> => {
    const { card } = await ask('Round totals to whole euros.');
    await telegram.as(bert.user).press(card, 'Ask back');
    const prompt = await after(team, card, /What do you want to know/);
    telegram.as(bert.user).send(team, 'Up, or to the nearest? And the discount before or after?', { replyTo: prompt });
    const asks = await after(team, prompt, /Bert asks/);
    await settled();
    const answer = telegram.as(ann.user).send(team, 'To the nearest, after the discount.', { replyTo: asks });
    const anew = await after(team, answer, /May this run/);
    await settled();
    take(
      'question',
      team,
      ann.user,
      telegram.messages(team).flatMap(({ id }) => (id >= prompt.id && id < anew.id ? [id] : [])),
    );
    await telegram.as(bert.user).press(anew, 'Reject');
    const why = await after(team, anew, /Why is it no/);
    await telegram.as(bert.user).press(why, 'Reject without a reason');
    await after(team, anew, /Rejected/);
  };

  const failure = async (): Promise<void> => {
    const { card } = await ask('Orders from 50 euros on have free shipping, others pay 4.90.');
    await telegram.as(bert.user).press(card, 'Approve');
    const end = await after(team, card, /Failed/);
    await settled();
    take('failure', team, ann.user, end.id);
  };

  const patch = async (): Promise<void> => {
    const { card } = await ask('With two discounts the total must not fall below zero. Add a test.');
    await telegram.as(bert.user).press(card, 'Approve');
    const gate = await after(team, card, /May this patch be delivered/);
    take('patch-card', team, ann.user, gate.id);
  };

  const overview = async (): Promise<void> => {
    const asked = telegram.as(bert.user).send(bert.chat, '/status');
    await after(bert.chat, asked, /Waiting/);
    const listed = telegram.as(bert.user).send(bert.chat, '/tasks failed');
    await after(bert.chat, listed, /Failed/);
    take('status', bert.chat, bert.user, asked.id);
  };

  for (const play of [stranger, invitation, group, delivery, question, failure, patch, overview]) await play();
  return pictures;
};
