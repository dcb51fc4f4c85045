import type { MessageEntity } from 'grammy/types';
import { z } from 'zod';
import { messageOf, replyOf, threadOf, writableChat } from './access.ts';
import { markupOf } from './keyboard.ts';
import {
  type Call,
  chatId,
  entities,
  flag,
  integer,
  json,
  linkPreview,
  type Method,
  method,
  parseMode,
  replyParameters,
} from './parameters.ts';
import { badRequest } from './refusal.ts';
import { captionText, messageText } from './texts.ts';
import { messageOnWire } from './wire.ts';
import type { ChatState, Content, StoredFile, StoredMessage, World } from './world.ts';

const UPLOAD_BYTES_MAX = 50 * 1024 * 1024;
const PHOTO_BYTES_MAX = 10 * 1024 * 1024;
const ALBUM_SIZES = { min: 2, max: 10 } as const;

const target = {
  chat_id: chatId,
  message_thread_id: integer.optional(),
  disable_notification: flag.optional(),
  protect_content: flag.optional(),
};
const answering = { ...target, reply_parameters: replyParameters, reply_markup: json(z.unknown()).optional() };
const captioned = { caption: z.string().optional(), parse_mode: parseMode, caption_entities: entities };

interface Envelope {
  readonly chat_id: number;
  readonly message_thread_id?: number | undefined;
  readonly disable_notification?: boolean | undefined;
  readonly reply_parameters?: z.output<typeof replyParameters>;
  readonly reply_markup?: unknown;
}

interface Captioned {
  readonly caption?: string | undefined;
  readonly parse_mode?: string | undefined;
  readonly caption_entities?: readonly MessageEntity[] | undefined;
}

/** A file that came with the call, or one that the server has by its id. */
const fileOf = (world: World, given: string, { uploads }: Call, bytesMax: number): StoredFile => {
  const upload = uploads.get(given.replace(/^attach:\/\//, ''));
  if (given.startsWith('attach://') && upload !== undefined) {
    if (upload.bytes.length === 0) throw badRequest('file must be non-empty');
    if (upload.bytes.length > bytesMax) throw badRequest('file is too big');
    const file = { ...upload, id: `file-${world.nextId('file')}` };
    world.files.set(file.id, file);
    return file;
  }
  const known = world.files.get(given);
  if (known === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  return known;
};

const BYTES_MAX = { document: UPLOAD_BYTES_MAX, photo: PHOTO_BYTES_MAX } as const;

/** The methods by which the bot makes new messages. */
export const sendingMethods = (world: World): Readonly<Record<string, Method>> => {
  const post = (
    envelope: Envelope,
    content: (chat: ChatState) => Content,
    more: { album?: string; forwarded?: boolean } = {},
  ): StoredMessage => {
    const markup = markupOf(envelope.reply_markup);
    const chat = writableChat(world, envelope.chat_id);
    return world.post(chat, {
      from: world.bot,
      content: content(chat),
      thread: threadOf(chat, envelope.message_thread_id),
      replyTo: replyOf(chat, envelope.reply_parameters),
      silent: envelope.disable_notification ?? false,
      markup,
      ...more,
    });
  };
  const told = (message: StoredMessage) => {
    const chat = world.chats.get(message.chatId);
    return chat === undefined ? undefined : messageOnWire(world, chat, message);
  };

  const sendFile = (kind: 'document' | 'photo', given: string, envelope: Envelope & Captioned, call: Call) => {
    const file = fileOf(world, given, call, BYTES_MAX[kind]);
    const caption = captionText({ text: envelope.caption, mode: envelope.parse_mode, entities: envelope.caption_entities });
    return told(post(envelope, () => ({ kind, ...caption, file })));
  };

  const copied = (fromChat: number, id: number, what: string, refusal: string): Content => {
    const { content } = messageOf(writableChat(world, fromChat), id, what);
    if (content.kind === 'service') throw badRequest(refusal);
    return content;
  };

  return {
    sendMessage: method(
      { ...answering, text: z.string(), parse_mode: parseMode, entities, link_preview_options: linkPreview },
      (parameters) => {
        const text = messageText({ text: parameters.text, mode: parameters.parse_mode, entities: parameters.entities });
        return told(post(parameters, () => ({ kind: 'text', ...text })));
      },
    ),
    sendDocument: method({ ...answering, ...captioned, document: z.string() }, (parameters, call) =>
      sendFile('document', parameters.document, parameters, call),
    ),
    sendPhoto: method({ ...answering, ...captioned, photo: z.string() }, (parameters, call) =>
      sendFile('photo', parameters.photo, parameters, call),
    ),
    sendMediaGroup: method(
      {
        ...target,
        reply_parameters: replyParameters,
        media: json(z.array(z.strictObject({ type: z.enum(['document', 'photo']), media: z.string(), ...captioned }))),
      },
      ({ media, ...envelope }, call) => {
        if (media.length < ALBUM_SIZES.min || media.length > ALBUM_SIZES.max) {
          throw badRequest(`there must be from ${ALBUM_SIZES.min} to ${ALBUM_SIZES.max} messages in an album`);
        }
        if (new Set(media.map(({ type }) => type)).size > 1)
          throw badRequest("can't use the media of the specified type in the album");
        const contents = media.map(
          ({ type, media: given, caption, parse_mode: mode, caption_entities: marks }): Content => ({
            kind: type,
            ...captionText({ text: caption, mode, entities: marks }),
            file: fileOf(world, given, call, BYTES_MAX[type]),
          }),
        );
        const album = `album-${world.nextId('album')}`;
        return contents.map((content) => told(post(envelope, () => content, { album })));
      },
    ),
    forwardMessage: method(
      { ...target, from_chat_id: chatId, message_id: integer },
      ({ from_chat_id, message_id, ...envelope }) => {
        const content = copied(from_chat_id, message_id, 'message to forward', "messages can't be forwarded");
        return told(post(envelope, () => content, { forwarded: true }));
      },
    ),
    copyMessage: method(
      { ...answering, ...captioned, from_chat_id: chatId, message_id: integer },
      ({ from_chat_id, message_id, caption, parse_mode: mode, caption_entities: marks, ...envelope }) => {
        const content = copied(from_chat_id, message_id, 'message to copy', "the message can't be copied");
        const changed =
          caption === undefined || content.kind === 'text' ? {} : captionText({ text: caption, mode, entities: marks });
        return { message_id: post(envelope, () => ({ ...content, ...changed }) as Content).id }; // A caption has the shape that it replaces.
      },
    ),
    sendChatAction: method({ chat_id: chatId, message_thread_id: integer.optional(), action: z.string() }, (parameters) => {
      if (!ACTIONS.has(parameters.action)) throw badRequest('wrong parameter action in request');
      threadOf(writableChat(world, parameters.chat_id), parameters.message_thread_id);
      return true;
    }),
  };
};

const ACTIONS: ReadonlySet<string> = new Set([
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
]);
