import { describe, expect, it } from 'vitest';
import { type ChatCommand, type ChatEvent, chatKind as chat, chatCommands, chatIdOf } from '../../../src/domain/chat/index.ts';
import type { Command, Happened } from '../../../src/domain/event.ts';
import { folded, given } from '../given.ts';
import { BERT, NOON, text, uuid } from '../task/samples.ts';

const GROUP = '-4711';
const SUPERGROUP = '-1004711';
const chatId = chatIdOf('telegram', GROUP);

const event = (fact: ChatEvent): Happened => ({ ...fact, actor: BERT, at: NOON });
const command = (said: ChatCommand): Command => ({ id: uuid(said.type), ...said, actor: BERT, channel: 'telegram', at: NOON });

const place = { chatId, channel: 'telegram', subject: text(GROUP), title: text('Engine room') } as const;
const allowed = event({ type: 'ChatAllowed', data: place });
const forbidden = event({ type: 'ChatForbidden', data: { chatId } });
const moved = event({ type: 'ChatMoved', data: { chatId, subject: text(SUPERGROUP) } });
const allow = command({ type: 'AllowChat', data: place });
const forbid = command({ type: 'ForbidChat', data: { chatId } });
const move = command({ type: 'MoveChat', data: { chatId, subject: text(SUPERGROUP) } });

describe('A chat', () => {
  it('is allowed, forbidden and allowed again, each once', () => {
    given(chat).when(allow).yields(allowed);
    given(chat, allowed).when(allow).yields();
    given(chat, allowed).when(forbid).yields(forbidden);
    given(chat, allowed, forbidden).when(forbid).yields();
    given(chat, allowed, forbidden).when(allow).yields(allowed);
    expect(folded(chat, allowed, forbidden)).toMatchObject({ isAllowed: false });
  });

  it('that nobody allowed is neither forbidden nor moved', () => {
    given(chat).when(forbid).refuses('chat-not-found');
    given(chat).when(move).refuses('chat-not-found');
  });

  it('stays the same, allowed or not, when it is reached by another id', () => {
    given(chat, allowed).when(move).yields(moved);
    given(chat, allowed, moved).when(move).yields();
    expect(folded(chat, allowed, moved)).toMatchObject({ chatId, subject: text(SUPERGROUP), isAllowed: true });
    expect(folded(chat, allowed, forbidden, moved)).toMatchObject({ isAllowed: false });
  });

  it('is allowed and forbidden by who administers everything; that it moved, the service alone says', () => {
    expect(chat.needs(allow, null)).toEqual([{ right: 'administer', repo: '*' }]);
    expect(chat.needs(forbid, null)).toEqual([{ right: 'administer', repo: '*' }]);
    expect(chat.needs(move, null)).toEqual([]);
  });

  it.each(['4711', '@group', '-0', '', '--1'])('is a group, not %j', (subject) => {
    expect(chatCommands.AllowChat.safeParse({ ...place, subject: text(subject) }).success).toBe(false);
  });

  it('leaves nothing for the service to do', () => {
    expect(chat.nextStep(null)).toBeUndefined();
  });
});
