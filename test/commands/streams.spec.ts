import { describe, expect, it } from 'vitest';
import { createStreams } from '../../src/commands/streams.ts';
import { taskStream } from '../../src/domain/ids.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { memoryLog } from '../domain/memory-log.ts';
import { untilPrepared } from '../domain/task/events.ts';
import { TASK_ID } from '../domain/task/samples.ts';
import { storyOf } from '../views/stories.ts';

describe('A stream', () => {
  it.each([
    ['without metadata', { metadata: {} }],
    ['with other data', { data: { approvalDigest: 1 } }],
    ['of newer code', { type: 'TaskTeleported' }],
  ])('stands still at an event %s, with a sentence', async (_, other) => {
    const { store } = memoryLog();
    const [stream, story] = [taskStream(TASK_ID), storyOf(TASK_ID, untilPrepared)];
    const last = story.at(-1);
    await store.append(stream, story.slice(0, -1), 'no_stream');
    if (last) await store.append(stream, [{ ...last, ...other }], story.length - 2);
    await expect(createStreams(store).load(taskKind, stream)).rejects.toMatchObject({ code: 'stream-parked' });
  });
});
