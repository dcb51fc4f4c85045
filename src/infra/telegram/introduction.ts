import type { Api } from 'grammy';
import { verdictOf } from './api.ts';
import type { Bot } from './desk.ts';
import type { Pulse } from './pulse.ts';

/** Between tries: doubled from the first to the longest, in milliseconds. */
const PAUSES_MS = { first: 1_000, longest: 60_000 };

/** Asks Telegram who the bot is, again and again until it says so; rejects when `pause` does. */
export const introduce = async (
  api: Pick<Api, 'getMe'>,
  pulse: Pulse,
  pause: (ms: number) => Promise<unknown>,
  pausesMs = PAUSES_MS,
): Promise<Bot & { readonly name: string }> => {
  for (let failures = 0; ; failures++) {
    try {
      const { id, username } = await api.getMe();
      return { id: String(id), username: username.toLowerCase(), name: username };
    } catch (error) {
      const verdict = verdictOf(error);
      pulse.troubled(
        verdict.is === 'token_refused'
          ? 'Telegram refuses TELEGRAM_BOT_TOKEN. Set it to the token that @BotFather shows.'
          : 'Telegram does not answer; it is asked again and again.',
      );
      await pause(verdict.is === 'too_fast' ? verdict.waitMs : Math.min(pausesMs.longest, pausesMs.first * 2 ** failures));
    }
  }
};
