import { z } from '@hono/zod-openapi';
import { ChatChannel, ChatSubject } from '../../domain/chat/index.ts';
import { Uuid } from '../../domain/ids.ts';
import { ChatView } from '../../projections/chats.ts';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { Done, Name, Position, whenFound } from './person-schemas.ts';
import { addRoute, answers, json } from './routes.ts';
import type { TaskReader } from './task-reader.ts';

const NewChat = z
  .strictObject({ channel: ChatChannel.default('telegram'), subject: ChatSubject, title: Name.optional() })
  .openapi('NewChat');

/** Groups that the service answers in, for admins. */
export const addChatRoutes = (api: Api, { chats, views }: ApiOptions, reader: TaskReader): void => {
  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/chats',
      name: 'listChats',
      summary: 'Chats that are allowed, or were, for admins.',
      answers: { 200: answers(z.object({ chats: z.array(ChatView) }).openapi('Chats')) },
    },
    ({ caller }) => {
      demandAdmin(caller);
      return json({ chats: views.queries.listChats() });
    },
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/chats',
      name: 'allowChat',
      summary: 'Let people act in a group, as far as each may, for admins.',
      body: NewChat,
      answers: { 200: answers(z.object({ chat_id: Uuid, position: Position }).openapi('AllowedChat')) },
    },
    async ({ caller, body: { channel, subject, title = subject } }) => {
      const { chatId, position } = await chats.allow(caller.session, channel, subject, title);
      await reader.fresh(position);
      return json({ chat_id: chatId, position });
    },
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/chats/{chatId}',
      name: 'forbidChat',
      summary: 'Answer nothing in a group any more, for admins. It counts at once.',
      parameters: z.object({ chatId: Uuid }),
      answers: { 200: answers(Done) },
    },
    async ({ caller, parameters: { chatId } }) => json(await whenFound(reader, chats.forbid(caller.session, chatId))),
  );
};
