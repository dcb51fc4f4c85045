import type { Api } from 'grammy';
import type { Check } from '../checks.ts';
import type { Configuration } from '../config/configuration.ts';
import { createTelegramApi, TELEGRAM_API_ROOT, verdictOf } from './api.ts';
import type { Pulse } from './pulse.ts';

const NAME = 'telegram';
/** Longest that Telegram is waited for when somebody asks how it is, in milliseconds. */
const ANSWER_MS = 10_000;
/** More waiting messages than this are worth a word. */
const WAITING_MANY = 100;

const check = (status: Check['status'], sentence: string): Check => ({ name: NAME, status, sentence });

/** How updates come and messages go, as a running service knows it. */
export interface Traffic {
  readonly mode: Configuration['telegram']['mode'];
  readonly pulse: ReturnType<Pulse['read']>;
  /** Messages that Telegram did not take yet. */
  readonly waiting: number;
}

const trafficWords = ({ mode, pulse, waiting }: Traffic): string => {
  const how = mode === 'polling' ? 'Updates are asked for' : 'Updates come by the webhook';
  const last = pulse.lastHeardAt === null ? 'none was heard yet' : `last heard at ${pulse.lastHeardAt}`;
  const passed =
    pulse.passedOver === 0 ? '' : ` ${pulse.passedOver} could not be handled and were passed over; the log says more.`;
  return `${how}, ${last}; ${waiting} messages wait.${passed}`;
};

/** Really asks Telegram who the bot is. `traffic`: what is known besides, while the service runs. */
export const checkTelegram = async (api: Pick<Api, 'getMe'>, traffic?: () => Traffic): Promise<readonly Check[]> => {
  let name: string;
  try {
    name = (await api.getMe()).username;
  } catch (error) {
    const isRefused = verdictOf(error).is === 'token_refused';
    const sentence = isRefused
      ? 'Telegram refuses TELEGRAM_BOT_TOKEN. Set it to the token that @BotFather shows.'
      : 'Telegram does not answer. Look whether this machine reaches it, or TELEGRAM_API_ROOT where that is set.';
    return [check('fail', sentence)];
  }
  if (!traffic) return [check('pass', `@${name} answers.`)];
  const now = traffic();
  const { trouble, passedOver } = now.pulse;
  if (trouble !== null) return [check('fail', trouble)];
  const isOdd = passedOver > 0 || now.waiting > WAITING_MANY;
  return [check(isOdd ? 'warn' : 'pass', `@${name} answers. ${trafficWords(now)}`)];
};

/** Whether the bot of the configuration works, without a service. */
export const probeTelegram = async ({ botToken, apiRoot }: Configuration['telegram']): Promise<readonly Check[]> =>
  botToken === null
    ? [check('pass', 'Telegram is off: TELEGRAM_BOT_TOKEN is not set.')]
    : checkTelegram(createTelegramApi({ token: botToken, apiRoot: apiRoot ?? TELEGRAM_API_ROOT, timeoutMs: ANSWER_MS }));
