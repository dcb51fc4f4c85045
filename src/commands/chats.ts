import { type Chat, type ChatChannel, type ChatCommand, chatIdOf, chatKind, chatStream } from '../domain/chat/index.ts';
import type { Text } from '../domain/text.ts';
import type { Dispatch, Dispatched } from './dispatch.ts';
import type { Session } from './door.ts';
import type { Clock } from './ports/clock.ts';
import type { PeopleQueries } from './ports/people-queries.ts';
import type { Streams } from './streams.ts';

export interface ChatsOptions {
  readonly streams: Streams;
  readonly queries: PeopleQueries;
  readonly dispatch: Dispatch;
  readonly clock: Clock;
}

/** Who says that a chat has moved: the channel it is on, which nobody can speak for. */
const CHANNEL = 'system:chats';

/** Chats that the service answers in. A chat is found by the id it is reached by now, and judged by its stream. */
export const createChats = ({ streams, queries, dispatch, clock }: ChatsOptions) => {
  const bySubject = async (channel: ChatChannel, subject: string): Promise<Chat | null> => {
    // One that was allowed this moment is not in the view yet, but has this name.
    const chatId = queries.chatBySubject(channel, subject) ?? chatIdOf(channel, subject);
    const { state } = await streams.load(chatKind, chatStream(chatId));
    // It moved on this moment, so it is not this one any more.
    return state && 'text' in state.subject && state.subject.text === subject ? state : null;
  };

  const send = (actor: string, channel: string, command: ChatCommand): Promise<Dispatched> =>
    dispatch({ id: clock.uuid(), ...command, actor, channel, at: clock.now() });

  const text = (words: string): Text => ({ text: words, salt: clock.uuid() });

  return {
    bySubject,

    async allow(
      session: Session,
      channel: ChatChannel,
      subject: string,
      title: string,
    ): Promise<Dispatched & { chatId: string }> {
      await queries.fresh();
      const chatId = queries.chatBySubject(channel, subject) ?? chatIdOf(channel, subject);
      const data = { chatId, channel, subject: text(subject), title: text(title) };
      return { ...(await send(session.personId, session.channel, { type: 'AllowChat', data })), chatId };
    },

    forbid: (session: Session, chatId: string): Promise<Dispatched> =>
      send(session.personId, session.channel, { type: 'ForbidChat', data: { chatId } }),

    /** A group is reached by another id from now on. Safe to repeat; nothing happens for a chat that nobody ever allowed. */
    async moved(channel: ChatChannel, from: string, to: string): Promise<void> {
      await queries.fresh();
      const chat = await bySubject(channel, from);
      if (!chat || (await bySubject(channel, to))) return;
      const { position } = await send(CHANNEL, channel, { type: 'MoveChat', data: { chatId: chat.chatId, subject: text(to) } });
      await queries.fresh(position);
    },
  };
};

export type Chats = ReturnType<typeof createChats>;
