import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { messageOf, writableChat } from './access.ts';
import { markupOf } from './keyboard.ts';
import { chatId, entities, flag, integer, json, linkPreview, type Method, method, parseMode } from './parameters.ts';
import { badRequest } from './refusal.ts';
import { captionText, messageText } from './texts.ts';
import { messageOnWire } from './wire.ts';
import type { ChatState, Content, StoredMessage, World } from './world.ts';

const DELETABLE_SECONDS_MAX = 48 * 60 * 60;
const NOT_MODIFIED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

const which = { chat_id: chatId, message_id: integer };
const changed = { ...which, reply_markup: json(z.unknown()).optional() };

/** The methods by which the bot changes what is there. */
export const editingMethods = (world: World): Readonly<Record<string, Method>> => {
  const editable = (chat: ChatState, id: number): StoredMessage => {
    const message = messageOf(chat, id, 'message to edit');
    if (
      message.from.id !== world.bot.id ||
      message.forwarded ||
      message.other !== undefined ||
      message.content.kind === 'service'
    ) {
      throw badRequest("message can't be edited");
    }
    return message;
  };

  /** Replaces content and buttons: buttons that are not named again are taken away. */
  const edit = (
    parameters: { readonly chat_id: number; readonly message_id: number; readonly reply_markup?: unknown },
    next: (content: Content) => Content,
  ) => {
    const markup = markupOf(parameters.reply_markup);
    if (markup.other !== undefined) throw badRequest('inline keyboard expected');
    const chat = writableChat(world, parameters.chat_id);
    const message = editable(chat, parameters.message_id);
    const content = next(message.content);
    if (isDeepStrictEqual(content, message.content) && isDeepStrictEqual(markup.inline, message.keyboard))
      throw badRequest(NOT_MODIFIED);
    if (message.content.kind !== 'service') message.earlier.push(message.content.text);
    message.content = content;
    message.keyboard = markup.inline;
    message.editDate = Math.floor(world.now() / 1000);
    world.changed();
    return messageOnWire(world, chat, message);
  };

  return {
    editMessageText: method(
      { ...changed, text: z.string(), parse_mode: parseMode, entities, link_preview_options: linkPreview },
      (parameters) => {
        const text = messageText({ text: parameters.text, mode: parameters.parse_mode, entities: parameters.entities });
        return edit(parameters, (content) => {
          if (content.kind !== 'text') throw badRequest('there is no text in the message to edit');
          return { kind: 'text', ...text };
        });
      },
    ),
    editMessageCaption: method(
      { ...changed, caption: z.string().optional(), parse_mode: parseMode, caption_entities: entities },
      (parameters) => {
        const caption = captionText({
          text: parameters.caption,
          mode: parameters.parse_mode,
          entities: parameters.caption_entities,
        });
        return edit(parameters, (content) => {
          if (content.kind === 'text' || content.kind === 'service')
            throw badRequest('there is no caption in the message to edit');
          return { ...content, ...caption };
        });
      },
    ),
    editMessageReplyMarkup: method(changed, (parameters) => edit(parameters, (content) => content)),
    deleteMessage: method(which, (parameters) => {
      const chat = writableChat(world, parameters.chat_id);
      const message = messageOf(chat, parameters.message_id, 'message to delete');
      const own = message.from.id === world.bot.id;
      if (!own && chat.kind !== 'private' && chat.standing !== 'administrator') throw badRequest("message can't be deleted");
      if (chat.standing !== 'administrator' && world.now() / 1000 - message.date > DELETABLE_SECONDS_MAX) {
        throw badRequest("message can't be deleted for everyone");
      }
      message.deleted = true;
      world.changed();
      return true;
    }),
    setMessageReaction: method(
      {
        ...which,
        reaction: json(z.array(z.strictObject({ type: z.literal('emoji'), emoji: z.string() }))).optional(),
        is_big: flag.optional(),
      },
      (parameters) => {
        const message = messageOf(writableChat(world, parameters.chat_id), parameters.message_id, 'message to react');
        const reactions = parameters.reaction ?? [];
        if (reactions.length > 1) throw badRequest('REACTIONS_TOO_MANY');
        const emoji = reactions[0]?.emoji;
        if (emoji !== undefined && !REACTIONS.has(emoji)) throw badRequest('REACTION_INVALID');
        message.reaction = emoji;
        world.changed();
        return true;
      },
    ),
    pinChatMessage: method({ ...which, disable_notification: flag.optional() }, (parameters) => {
      const chat = writableChat(world, parameters.chat_id);
      const message = messageOf(chat, parameters.message_id, 'message to pin');
      if (chat.kind !== 'private' && chat.standing !== 'administrator') {
        throw badRequest('not enough rights to manage pinned messages in the chat');
      }
      message.pinned = true;
      world.changed();
      return true;
    }),
  };
};

/** Those of Telegram's free reactions that somebody would want here. */
const REACTIONS: ReadonlySet<string> = new Set([
  '👍',
  '👎',
  '❤',
  '🔥',
  '👏',
  '😁',
  '🤔',
  '🤯',
  '😱',
  '😢',
  '🎉',
  '🙏',
  '👌',
  '👀',
  '🤝',
  '✍',
  '💯',
  '⚡',
  '🫡',
  '🤷',
]);
