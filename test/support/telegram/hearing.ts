import type { ChatState, StoredMessage, World } from './world.ts';

/** Whether the bot gets a message of a group that is not a service message, in privacy mode. */
const isMeantForBot = (world: World, chat: ChatState, { content, replyTo }: StoredMessage): boolean => {
  if (content.kind === 'service') return true;
  const name = `@${world.bot.username}`.toLowerCase();
  const words = content.entities.map(({ type, offset, length }) => ({
    type,
    word: content.text.slice(offset, offset + length).toLowerCase(),
  }));
  const replied = replyTo === undefined ? undefined : chat.messages.get(replyTo);
  return (
    replied?.from.id === world.bot.id ||
    words.some(({ type, word }) => type === 'mention' && word === name) ||
    words.some(({ type, word }) => type === 'bot_command' && (!word.includes('@') || word.endsWith(name)))
  );
};

/** In a group in privacy mode the bot hears commands, mentions, replies to it and service messages; as an administrator, everything. */
export const botHears = (world: World, chat: ChatState, message: StoredMessage): boolean => {
  if (chat.standing === 'administrator') return true;
  if (chat.standing !== 'member') return false;
  return chat.kind === 'private' || !chat.privacy || isMeantForBot(world, chat, message);
};
