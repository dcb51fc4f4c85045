import { z } from 'zod';
import type { Kind } from '../decider.ts';
import type { Command, Happened } from '../event.ts';
import { derivedId, Uuid } from '../ids.ts';
import { type MessageOf, message } from '../message.ts';
import { DomainError } from '../refusals.ts';
import { Text, textOf } from '../text.ts';

const chatId = Uuid;
const channel = z.string();

/** Every event of a chat. What the chat is called and how it is reached are texts, so that they can be erased. */
export const chatEvents = {
  ChatAllowed: message('ChatAllowed', 'People who may act here may do it in this chat, too.', {
    chatId,
    channel,
    subject: Text,
    title: Text,
  }),
  ChatForbidden: message('ChatForbidden', 'Nothing is answered in this chat any more.', { chatId }),
  ChatMoved: message('ChatMoved', 'The chat is reached by another id from now on: a group became a supergroup.', {
    chatId,
    subject: Text,
  }),
} as const;
export type ChatEvent = MessageOf<typeof chatEvents>;

/** A Telegram group: its id is negative. What a person says in private needs no leave. */
export const ChatSubject = z
  .string()
  .regex(/^-[1-9]\d{0,18}$/, { error: 'must be the id of a group, for example -1001234567890' });

export const ChatChannel = z.enum(['telegram']);
export type ChatChannel = z.infer<typeof ChatChannel>;

const subject = Text.refine((text) => 'text' in text && ChatSubject.safeParse(text.text).success, {
  error: 'must be the id of a group, for example -1001234567890',
});

export const chatCommands = {
  AllowChat: message('AllowChat', 'Let people act in a chat.', { chatId, channel: ChatChannel, subject, title: Text }),
  ForbidChat: message('ForbidChat', 'Leave a chat alone.', { chatId }),
  MoveChat: message('MoveChat', 'Record the new id of a chat.', { chatId, subject }),
} as const;
export type ChatCommand = MessageOf<typeof chatCommands>;

export interface Chat {
  readonly chatId: string;
  readonly channel: string;
  /** The id it is reached by now. */
  readonly subject: Text;
  readonly title: Text;
  readonly isAllowed: boolean;
  /** Since when it is allowed, or forbidden. */
  readonly since: string;
}

/** Of the id a chat is first known by; it stays when the chat moves. */
export const chatIdOf = (channel: ChatChannel, subject: string): string => derivedId('chat', channel, subject);

/** The stream of a chat is `chat-<uuid>`. */
export const chatStream = (chatId: string): string => `chat-${chatId}`;

const decide = (command: ChatCommand, chat: Chat | null): ChatEvent[] => {
  switch (command.type) {
    case 'AllowChat':
      return chat?.isAllowed ? [] : [{ type: 'ChatAllowed', data: command.data }];
    case 'ForbidChat':
      if (!chat) throw new DomainError('chat-not-found');
      return chat.isAllowed ? [{ type: 'ChatForbidden', data: command.data }] : [];
    case 'MoveChat':
      if (!chat) throw new DomainError('chat-not-found');
      return textOf(chat.subject) === textOf(command.data.subject) ? [] : [{ type: 'ChatMoved', data: command.data }];
  }
};

const evolve = (chat: Chat | null, event: ChatEvent & Pick<Happened, 'at'>): Chat | null => {
  if (event.type === 'ChatAllowed') return { ...event.data, isAllowed: true, since: event.at };
  if (!chat) return null;
  switch (event.type) {
    case 'ChatForbidden':
      return { ...chat, isAllowed: false, since: event.at };
    case 'ChatMoved':
      return { ...chat, subject: event.data.subject };
  }
};

const beginnings: Readonly<Record<ChatCommand['type'], readonly ChatEvent['type'][]>> = {
  AllowChat: ['ChatAllowed'],
  ForbidChat: ['ChatForbidden'],
  MoveChat: ['ChatMoved'],
};

/** Groups that the service answers in. Only the channel itself, so the service, can say that one has moved. */
export const chatKind: Kind<Chat | null> = {
  name: 'chat',
  commands: chatCommands,
  events: chatEvents,
  beginnings,
  initialState: null,
  // The casts hold because dispatch parses each command and event by the schema that its type names.
  streamOf: (command) => chatStream((command as ChatCommand & Command).data.chatId),
  decide: (command, chat) => decide(command as ChatCommand & Command, chat),
  evolve: (chat, event) => evolve(chat, event as ChatEvent & Happened),
  nextStep: () => undefined,
  needs: ({ type }) => (type === 'MoveChat' ? [] : [{ right: 'administer', repo: '*' }]),
};
