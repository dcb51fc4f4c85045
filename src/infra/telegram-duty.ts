import { StoreUnavailable } from '../domain/event-store.ts';
import { type SingletonOptions, startSingleton } from './singleton.ts';
import type { Telegram } from './telegram/telegram.ts';

/**
 * Telegram for several processes, of which one at a time asks for updates and sends messages. `make` gives one that was not started yet, for what
 * was stopped does not begin again; it makes no call while `mayCall` says no. An update that Telegram sends to another process is refused for now,
 * so that it is sent again.
 */
export const telegramOnDuty = (
  make: (mayCall: () => boolean) => Telegram,
  options: Omit<SingletonOptions, 'name' | 'begin'>,
): Telegram => {
  let duty: ReturnType<typeof startSingleton> | undefined;
  const mayCall = (): boolean => duty?.isHeld() === true;
  let next = make(mayCall);
  let onDuty: Telegram | undefined;
  const begin = () => {
    const mine = next;
    onDuty = mine;
    mine.start();
    return async (): Promise<void> => {
      next = make(mayCall);
      onDuty = undefined;
      await mine.stop();
    };
  };
  const { webhook } = next;

  return {
    start: () => {
      duty ??= startSingleton({ ...options, name: 'telegram', begin });
    },
    stop: async () => duty?.stop(),
    webhook: webhook && {
      isSecret: webhook.isSecret,
      take: async (update) => {
        if (!onDuty?.webhook || !mayCall()) throw new StoreUnavailable('Another process takes updates.');
        await onDuty.webhook.take(update);
      },
    },
    botName: () => onDuty?.botName() ?? null,
    check: async () =>
      (await onDuty?.check()) ?? [
        {
          name: 'telegram',
          status: 'pass',
          sentence: 'Another process takes updates and sends messages; this one stands by.',
        },
      ],
  };
};
