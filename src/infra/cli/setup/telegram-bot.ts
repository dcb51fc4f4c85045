import { createTelegramApi, TELEGRAM_API_ROOT, verdictOf } from '../../telegram/api.ts';

const TIMEOUT_MS = 15_000;

export interface Bot {
  /** Without the `@`. */
  readonly name: string;
  /** A sentence when it cannot be sent. */
  send(chat: string, text: string): Promise<string | undefined>;
}

/** Asks Telegram whose token it is. A sentence when it is nobody's, or Telegram does not answer. */
export const askBot = async (token: string, apiRoot = TELEGRAM_API_ROOT): Promise<Bot | string> => {
  const api = createTelegramApi({ token, apiRoot, timeoutMs: TIMEOUT_MS });
  try {
    const { username } = await api.getMe();
    return {
      name: username,
      send: (chat, text) =>
        api.sendMessage(chat, text).then(
          () => undefined,
          (error: unknown) =>
            verdictOf(error).is === 'away'
              ? 'Telegram does not answer.'
              : 'Telegram does not let the bot write there: send it /start first.',
        ),
    };
  } catch (error) {
    return verdictOf(error).is === 'token_refused'
      ? 'Telegram does not know this token. Copy it again from @BotFather.'
      : 'Telegram does not answer. Try again when this machine reaches it.';
  }
};
