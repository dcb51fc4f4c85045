import type { Command } from 'commander';
import { z } from 'zod';
import { moment } from '../../../projections/moments.ts';
import { type Api, pathOf } from '../api.ts';
import { type Deal, type Desk, shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import { indented, table } from '../layout.ts';
import { faintHeader, Stored } from './named-person.ts';

const Chats = z.object({
  chats: z.array(
    z.object({
      chatId: z.string(),
      channel: z.string(),
      subject: z.string(),
      title: z.string(),
      allowed: z.boolean(),
      since: z.string(),
    }),
  ),
});

const listChats = async (desk: Desk): Promise<void> => {
  const api = await desk.connect();
  desk.answer(await api.get('/chats'), Chats, ({ chats }) => {
    if (chats.length === 0) return ['  There are none. Add the bot to a group, then: countersign chat allow <id>'];
    const rows = chats.map(({ title, channel, subject, allowed, since }) => [
      title,
      channel,
      subject,
      `${allowed ? 'allowed' : 'forbidden'} since ${moment(since)}`,
    ]);
    const header = [{ title: 'title', flexible: true }, { title: 'channel' }, { title: 'id' }, { title: 'standing' }];
    return indented(table(header, rows, faintHeader(desk), desk.terminal.tableColumns - 2), 2);
  });
};

const allowChat = async (desk: Desk, subject: string, { title }: { readonly title?: string }): Promise<void> => {
  const api = await desk.connect();
  const body = { channel: 'telegram', subject, ...(title !== undefined && { title }) };
  desk.answer(await api.send('POST', '/chats', { body }), Stored, () => [
    `  People act in ${subject} from now on, each as far as their roles go.`,
  ]);
};

/** By the id the chat is reached by now. Throws `Failure`. */
const chatIdOf = async (api: Api, typed: string): Promise<string> => {
  const known = shown(await api.get('/chats'), Chats).chats.find(({ subject, chatId }) => subject === typed || chatId === typed);
  if (known === undefined) throw new Failure('There is no such chat. List them with "countersign chat list".');
  return known.chatId;
};

const forbidChat = async (desk: Desk, typed: string): Promise<void> => {
  const api = await desk.connect();
  const document = await api.send('DELETE', pathOf`/chats/${await chatIdOf(api, typed)}`);
  desk.answer(document, Stored, () => [`  Nothing is answered in ${typed} any more.`]);
};

const SUBJECT = ['<id>', 'of the group, for example -1001234567890; the bot tells it there'] as const;

/** `chat`: groups that the service answers in. */
export const addChatCommands = (program: Command, deal: Deal): void => {
  const chat = program.command('chat').description('Telegram groups that people may act in');
  chat.command('list').description('those that are allowed, or were').action(deal(listChats));
  chat
    .command('allow')
    .description('let people act in a group; it gives nobody a role')
    .argument(...SUBJECT)
    .option('--title <title>', 'what it is called in lists')
    .action(deal((desk, subject: string, wish: { title?: string }) => allowChat(desk, subject, wish)));
  chat
    .command('forbid')
    .description('answer nothing there any more; it counts at once')
    .argument(...SUBJECT)
    .action(deal((desk, subject: string) => forbidChat(desk, subject)));
};
