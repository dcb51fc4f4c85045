import { bodyLimit } from 'hono/body-limit';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';

/** Updates from Telegram; what sends them knows a secret that was agreed on when the webhook was set. */
export interface TelegramWebhook {
  /** In constant time. */
  isSecret(given: string): boolean;
  /** Resolves when the update is stored or refused, or is none. Throws what dispatch throws when that is not possible now. */
  take(update: unknown): Promise<void>;
}

const PATH = '/webhook/telegram';
const SECRET_HEADER = 'x-telegram-bot-api-secret-token';
/** Far beyond any update: texts have 4,096 characters. */
const UPDATE_BYTES_MAX = 1024 * 1024;

const tooLarge = (): never => {
  throw new BadCall(413, 'VALIDATION_ERROR', `The body is over ${UPDATE_BYTES_MAX / 1024} KiB.`);
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Stands in front of the bearer tokens, for Telegram has none. Answered with 200 once the command is stored or refused, and for junk, so that
 * Telegram does not send that for ever; with 503 while it cannot be stored, so that Telegram sends it again.
 */
export const addTelegramRoute = (api: Api, { telegram }: Pick<ApiOptions, 'telegram'>): void => {
  api.openAPIRegistry.registerPath({
    method: 'post',
    path: PATH,
    operationId: 'takeTelegramUpdate',
    summary: 'For Telegram only: takes an update. There only with TELEGRAM_MODE=webhook.',
    security: [{ telegram: [] }],
    responses: {
      200: { description: 'Stored or refused, or nothing that is understood: it need not be sent again.' },
      401: { description: 'The secret is missing or wrong.' },
      404: { description: 'Updates are not taken this way.' },
      413: { description: 'The body is too large.' },
      503: { description: 'Not now; the same update may be sent again.' },
    },
  });
  api.openAPIRegistry.registerComponent('securitySchemes', 'telegram', { type: 'apiKey', in: 'header', name: SECRET_HEADER });

  api.post(
    PATH,
    // Before anything of the body is read.
    async (context, next) => {
      if (!telegram) throw new BadCall(404, 'INVALID_ACTION', 'Updates are not taken this way: TELEGRAM_MODE is not webhook.');
      if (!telegram.isSecret(context.req.header(SECRET_HEADER) ?? '')) {
        throw new BadCall(401, 'UNAUTHORIZED', 'Only Telegram may call this, with the secret that was agreed on.');
      }
      if (Number(context.req.header('content-length') ?? 0) > UPDATE_BYTES_MAX) tooLarge();
      await next();
    },
    bodyLimit({ maxSize: UPDATE_BYTES_MAX, onError: tooLarge }),
    async (context) => {
      await telegram?.take(parsed(await context.req.text()));
      return new Response(null);
    },
  );
};
