import { z } from '@hono/zod-openapi';
import type { Dispatched } from '../../commands/dispatch.ts';
import type { Clock } from '../../commands/ports/clock.ts';
import { PersonId } from '../../domain/ids.ts';
import type { PersonCommand } from '../../domain/person/commands.ts';
import type { Text } from '../../domain/text.ts';
import type { Caller } from './authentication.ts';
import type { ApiOptions } from './context.ts';
import type { TaskReader } from './task-reader.ts';

export const Name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .refine((text) => !text.includes('\0'), { error: 'must not hold NUL characters' });
export const Time = z.iso.datetime({ precision: 3 });
export const OfPerson = z.object({ personId: PersonId });
export const Position = z.string().nullable();
export const Done = z.object({ position: Position });

export const saltedText = (clock: Clock, words: string): Text => ({ text: words, salt: clock.uuid() });

/** Whoever is told that it is done finds it done. */
export const whenFound = async (reader: TaskReader, dispatched: Promise<Dispatched>): Promise<{ position: string | null }> => {
  const { position } = await dispatched;
  await reader.fresh(position);
  return { position };
};

/** Sends what a caller says about a person. */
export const personSender =
  ({ dispatch, clock }: Pick<ApiOptions, 'dispatch' | 'clock'>, reader: TaskReader) =>
  ({ session }: Caller, command: PersonCommand, id = clock.uuid()): Promise<{ position: string | null }> =>
    whenFound(reader, dispatch({ id, ...command, actor: session.personId, channel: session.channel, at: clock.now() }));
