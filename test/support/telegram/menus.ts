import type { BotCommand } from 'grammy/types';
import { z } from 'zod';
import { writableChat } from './access.ts';
import { chatId, integer, json, type Method, method } from './parameters.ts';
import { badRequest } from './refusal.ts';
import type { ChatState, World } from './world.ts';

const COMMANDS_MAX = 100;
const DESCRIPTION_CHARACTERS_MAX = 512;

const Scope = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['default', 'all_private_chats', 'all_group_chats', 'all_chat_administrators']) }),
  z.strictObject({ type: z.enum(['chat', 'chat_administrators']), chat_id: chatId }),
  z.strictObject({ type: z.literal('chat_member'), chat_id: chatId, user_id: integer }),
]);
type Scope = z.output<typeof Scope>;

const scoped = { scope: json(Scope).optional(), language_code: z.string().optional() };

const commands = json(z.array(z.strictObject({ command: z.string(), description: z.string() })));

const checked = (list: readonly BotCommand[]): readonly BotCommand[] => {
  if (list.length > COMMANDS_MAX) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  for (const { command, description } of list) {
    if (!/^[a-z\d_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
    if (description === '' || [...description].length > 256) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
  }
  return list;
};

export interface Menus {
  readonly methods: Readonly<Record<string, Method>>;
  /** The commands that a person finds in the menu of a chat: those of the narrowest scope that has some. */
  seenBy(chat: ChatState, personId: number): readonly BotCommand[];
  description(): string;
}

/** Command menus, the description, and the menu button. */
export const createMenus = (world: World): Menus => {
  const menus = new Map<string, readonly BotCommand[]>();
  const button = new Map<number, unknown>();
  let description = '';
  let shortDescription = '';

  const keyOf = (scope: Scope | undefined, language = ''): string => {
    // A chat that the bot may not write to has no menu either.
    if (scope !== undefined && 'chat_id' in scope) writableChat(world, scope.chat_id);
    const place = scope !== undefined && 'chat_id' in scope ? `:${scope.chat_id}` : '';
    const person = scope !== undefined && 'user_id' in scope ? `:${scope.user_id}` : '';
    return `${scope?.type ?? 'default'}${place}${person}/${language}`;
  };

  return {
    methods: {
      setMyCommands: method({ ...scoped, commands }, ({ scope, language_code: language, commands: list }) => {
        menus.set(keyOf(scope, language), checked(list));
        return true;
      }),
      getMyCommands: method(scoped, ({ scope, language_code: language }) => menus.get(keyOf(scope, language)) ?? []),
      deleteMyCommands: method(scoped, ({ scope, language_code: language }) => {
        menus.delete(keyOf(scope, language));
        return true;
      }),
      setMyDescription: method(
        { description: z.string().optional(), language_code: z.string().optional() },
        ({ description: text = '' }) => {
          if ([...text].length > DESCRIPTION_CHARACTERS_MAX) throw badRequest('BOT_DESCRIPTION_TOO_LONG');
          description = text;
          return true;
        },
      ),
      setMyShortDescription: method(
        { short_description: z.string().optional(), language_code: z.string().optional() },
        ({ short_description: text = '' }) => {
          if ([...text].length > 120) throw badRequest('BOT_SHORT_DESCRIPTION_TOO_LONG');
          shortDescription = text;
          return true;
        },
      ),
      getMyDescription: method({ language_code: z.string().optional() }, () => ({ description })),
      getMyShortDescription: method({ language_code: z.string().optional() }, () => ({ short_description: shortDescription })),
      setChatMenuButton: method(
        { chat_id: integer.optional(), menu_button: json(z.strictObject({ type: z.enum(['commands', 'default']) })).optional() },
        ({ chat_id: id, menu_button: shown }) => {
          if (id !== undefined && writableChat(world, id).kind !== 'private') throw badRequest('chat not found');
          button.set(id ?? 0, shown);
          return true;
        },
      ),
    },
    seenBy: ({ id, kind, members }, personId) => {
      const administrates = (members.get(personId) ?? 'member') !== 'member';
      const keys =
        kind === 'private'
          ? [`chat:${id}/`, 'all_private_chats/', 'default/']
          : [
              `chat_member:${id}:${personId}/`,
              ...(administrates ? [`chat_administrators:${id}/`] : []),
              `chat:${id}/`,
              ...(administrates ? ['all_chat_administrators/'] : []),
              'all_group_chats/',
              'default/',
            ];
      return keys.map((key) => menus.get(key)).find((menu) => menu !== undefined) ?? [];
    },
    description: () => description,
  };
};
