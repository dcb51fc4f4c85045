import { StoreUnavailable } from '../domain/event-store.ts';
import { type SingletonOptions, startSingleton } from './singleton.ts';
import type { Telegram } from './telegram/telegram.ts';

/**
 * Telegram for several processes, of which one at a time asks for updates and sends messages. `make` gives one that was not started yet: what was
 * stopped does not begin again. An update that Telegram sends to another process is refused for now, so that it is sent again.
 */
export const telegramOnDuty = (make: () => Telegram, options: Omit<SingletonOptions, 'name' | 'begin'>): Telegram => {
  let current = make();
  const begin = () => {
    const mine = current;
    mine.start();
    return async (): Promise<void> => {
      current = make();
      await mine.stop();
    };
  };
  let duty: ReturnType<typeof startSingleton> | undefined;
  const isOnDuty = (): boolean => duty?.isHeld() === true;

  return {
    start: () => {
      duty ??= startSingleton({ ...options, name: 'telegram', begin });
    },
    stop: async () => duty?.stop(),
    webhook: current.webhook && {
      isSecret: (given) => current.webhook?.isSecret(given) === true,
      take: async (update) => {
        if (!isOnDuty()) throw new StoreUnavailable('Another process takes updates.');
        await current.webhook?.take(update);
      },
    },
    botName: () => current.botName(),
    check: async () =>
      isOnDuty()
        ? current.check()
        : [
            {
              name: 'telegram',
              status: 'pass',
              sentence: 'Another process takes updates and sends messages; this one stands by.',
            },
          ],
  };
};
