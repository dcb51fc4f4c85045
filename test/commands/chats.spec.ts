import { describe, expect, it } from 'vitest';
import { ANNA } from '../domain/task/samples.ts';
import { ADMIN, openRegistry } from './registry.ts';

const GROUP = '-4711';
const SUPERGROUP = '-1004711';

describe('A chat', () => {
  it('is found by the id it is reached by, from the moment it is allowed', async () => {
    const { chats, stopViews } = await openRegistry();
    stopViews(0);
    expect(await chats.bySubject('telegram', GROUP)).toBeNull();
    await chats.allow(ADMIN, 'telegram', GROUP, 'Engine room');
    expect(await chats.bySubject('telegram', GROUP)).toMatchObject({ isAllowed: true });
    expect(await chats.bySubject('telegram', SUPERGROUP)).toBeNull();
  });

  it('is forbidden from that moment, however far behind the views are', async () => {
    const { chats, all, stopViews } = await openRegistry();
    const { chatId } = await chats.allow(ADMIN, 'telegram', GROUP, 'Engine room');
    stopViews(all().length);
    await chats.forbid(ADMIN, chatId);
    expect(await chats.bySubject('telegram', GROUP)).toMatchObject({ isAllowed: false });
  });

  it('stays the same when the group becomes a supergroup, and when it is allowed again', async () => {
    const { chats, all } = await openRegistry();
    const { chatId } = await chats.allow(ADMIN, 'telegram', GROUP, 'Engine room');
    await chats.moved('telegram', GROUP, SUPERGROUP);
    const before = all().length;
    await chats.moved('telegram', GROUP, SUPERGROUP);
    expect(all()).toHaveLength(before);
    expect(await chats.bySubject('telegram', SUPERGROUP)).toMatchObject({ chatId, isAllowed: true });
    expect(await chats.bySubject('telegram', GROUP)).toBeNull();
    await chats.forbid(ADMIN, chatId);
    expect((await chats.allow(ADMIN, 'telegram', SUPERGROUP, 'Engine room')).chatId).toBe(chatId);
  });

  it('that nobody allowed stays unknown when it moves', async () => {
    const { chats, all } = await openRegistry();
    const before = all().length;
    await chats.moved('telegram', GROUP, SUPERGROUP);
    expect(all()).toHaveLength(before);
  });

  it('is allowed by nobody who does not administer everything', async () => {
    const { chats } = await openRegistry();
    await expect(chats.allow({ personId: ANNA, channel: 'telegram' }, 'telegram', GROUP, 'Mine')).rejects.toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(await chats.bySubject('telegram', GROUP)).toBeNull();
  });
});
