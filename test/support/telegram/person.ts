import type { Update, User } from 'grammy/types';
import { withDetected } from './formatted.ts';
import type { ChatRef, MessageRef, PersonsHand, Sending, Sent, SentFile } from './hand.ts';
import { botHears } from './hearing.ts';
import type { OpenPresses, PressAnswer } from './receiving.ts';
import { seen } from './seen.ts';
import type { UpdateQueue } from './update-queue.ts';
import { chatOnWire, messageOnWire } from './wire.ts';
import type { ChatState, Content, Standing, StoredMessage, World } from './world.ts';

export interface Surroundings {
  readonly world: World;
  readonly queue: UpdateQueue;
  readonly presses: OpenPresses;
  /** How long a press waits for its answer, in real milliseconds. */
  readonly pressMs: number;
}

const TEXT_CHARACTERS_MAX = 4096;

export const personsHand = ({ world, queue, presses, pressMs }: Surroundings, person: User): PersonsHand => {
  const chatOf = ({ id }: ChatRef): ChatState => {
    const chat = world.chats.get(id);
    if (chat === undefined) throw new Error(`there is no chat ${id}`);
    if (chat.kind === 'private' ? chat.id !== person.id : !chat.members.has(person.id))
      throw new Error(`${person.first_name} is not in the chat ${id}`);
    return chat;
  };

  const shown = ({ id, chatId }: MessageRef): { readonly chat: ChatState; readonly message: StoredMessage } => {
    const chat = chatOf({ id: chatId });
    const message = chat.messages.get(id);
    if (message === undefined || message.deleted) throw new Error(`there is no message ${id} in the chat ${chatId}`);
    return { chat, message };
  };

  const tell = (chat: ChatState, kind: 'message' | 'edited_message', message: StoredMessage): Sent => {
    const updateId = botHears(world, chat, message)
      ? queue.push(chat.id, { [kind]: messageOnWire(world, chat, message) })
      : undefined;
    return { ...seen(message), updateId };
  };

  const write = (ref: ChatRef, content: Content, { replyTo, thread, anonymous }: Sending = {}): Sent => {
    const chat = chatOf(ref);
    if (chat.migratedTo !== undefined) throw new Error('the group became a supergroup');
    if (chat.kind === 'private' && chat.standing === 'kicked') throw new Error(`${person.first_name} blocked the bot`);
    if (thread !== undefined && !chat.topics.has(thread)) throw new Error(`there is no topic ${thread}`);
    if (replyTo !== undefined) shown({ id: replyTo.id, chatId: chat.id });
    if (chat.kind === 'private') chat.standing = 'member';
    return tell(
      chat,
      'message',
      world.post(chat, { from: person, content, thread, replyTo: replyTo?.id, anonymous: anonymous ?? false }),
    );
  };

  const textOf = (text: string): Content => {
    if (text.trim() === '' || [...text].length > TEXT_CHARACTERS_MAX)
      throw new Error('a client sends texts of 1 to 4096 characters');
    return { kind: 'text', ...withDetected({ text: text.trim(), entities: [] }) };
  };

  const sendFile = (
    kind: 'document' | 'photo' | 'voice',
    ref: ChatRef,
    { bytes, name, mime, caption, ...how }: SentFile,
  ): Sent => {
    const usual = {
      document: ['file.txt', 'text/plain'],
      photo: ['photo.jpg', 'image/jpeg'],
      voice: ['voice.ogg', 'audio/ogg'],
    } as const;
    const file = { id: `file-${world.nextId('file')}`, name: name ?? usual[kind][0], mime: mime ?? usual[kind][1], bytes };
    world.files.set(file.id, file);
    return write(ref, { kind, file, ...withDetected({ text: caption ?? '', entities: [] }) }, how);
  };

  const stand = (chat: ChatState, standing: Standing): void => {
    const memberOf = (status: Standing) => ({
      user: world.bot,
      status: status === 'unmet' || status === 'out' ? 'left' : status,
    });
    const change = {
      chat: chatOnWire(world, chat),
      from: person,
      date: Math.floor(world.now() / 1000),
      old_chat_member: memberOf(chat.standing),
      new_chat_member: memberOf(standing),
    };
    chat.standing = standing;
    queue.push(chat.id, { my_chat_member: change as NonNullable<Update['my_chat_member']> }); // The statuses are among Telegram's.
    world.changed();
  };

  const ask = (ref: MessageRef, dataOf: (message: StoredMessage) => string): Promise<PressAnswer | undefined> => {
    const { chat, message } = shown(ref);
    const id = `${world.nextId('callback')}`.padStart(18, '4');
    const answer = new Promise<PressAnswer | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), pressMs).unref();
      presses.open(id, (given) => {
        clearTimeout(timer);
        resolve(given);
      });
    });
    queue.push(chat.id, {
      callback_query: {
        id,
        from: person,
        message: messageOnWire(world, chat, message),
        chat_instance: `${chat.id}`,
        data: dataOf(message),
      },
    });
    return answer;
  };

  const service = (chat: ChatState, fields: Extract<Content, { kind: 'service' }>['fields']): StoredMessage => {
    const message = world.post(chat, { from: person, content: { kind: 'service', fields } });
    tell(chat, 'message', message);
    return message;
  };

  return {
    send: (chat, text, how) => write(chat, textOf(text), how),
    edit: (ref, text) => {
      const { chat, message } = shown(ref);
      if (message.from.id !== person.id || message.content.kind !== 'text') throw new Error('people edit texts of their own');
      message.earlier.push(message.content.text);
      message.content = textOf(text);
      message.editDate = Math.floor(world.now() / 1000);
      world.changed();
      return tell(chat, 'edited_message', message);
    },
    delete: (ref) => {
      shown(ref).message.deleted = true;
      world.changed();
    },
    press: async (ref, button) =>
      ask(ref, ({ id, keyboard }) => {
        const buttons = keyboard.flat();
        const data = buttons.flatMap((one) =>
          'callback_data' in one && (one.text === button || one.callback_data === button) ? [one.callback_data] : [],
        );
        if (data[0] === undefined || data.length > 1) {
          throw new Error(
            `message ${id} has ${data.length} buttons "${button}"; there are: ${buttons.map(({ text }) => text).join(', ')}`,
          );
        }
        return data[0];
      }),
    forgePress: async (ref, data) => ask(ref, () => data),
    document: (chat, file) => sendFile('document', chat, file),
    photo: (chat, file) => sendFile('photo', chat, file),
    voice: (chat, file) => sendFile('voice', chat, file),
    addBot: (ref, { administrator = false } = {}) => {
      const chat = chatOf(ref);
      const joined = chat.standing !== 'member' && chat.standing !== 'administrator';
      stand(chat, administrator ? 'administrator' : 'member');
      if (joined) service(chat, { new_chat_members: [world.bot] });
    },
    removeBot: (ref) => stand(chatOf(ref), 'kicked'),
    block: () => stand(chatOf(person), 'kicked'),
    unblock: () => stand(chatOf(person), 'member'),
    migrate: (ref) => {
      const old = chatOf(ref);
      if (old.kind !== 'group' || old.migratedTo !== undefined) throw new Error('only a group becomes a supergroup');
      const id = -1_000_000_000_000 - 5_000_000 - world.nextId('chat');
      const next: ChatState = { ...old, id, kind: 'supergroup', messages: new Map(), topics: new Map() };
      world.chats.set(id, next);
      service(old, { migrate_to_chat_id: id });
      old.migratedTo = id;
      service(next, { migrate_from_chat_id: old.id });
      return { id };
    },
    topic: (ref, name) => {
      const chat = chatOf(ref);
      if (!chat.forum) throw new Error('only a forum has topics');
      const message = service(chat, { forum_topic_created: { name, icon_color: 7_322_096 } });
      chat.topics.set(message.id, name);
      return message.id;
    },
  };
};
