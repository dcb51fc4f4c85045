import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openService } from '../support/service-here.ts';
import { startTelegram } from '../support/telegram/index.ts';
import { type Office, openOffice, telegramVariables, WEBHOOK_SECRET } from './office.ts';

let open: Office | undefined;
const office = async (mode: 'polling' | 'webhook'): Promise<Office> => {
  open = await openOffice({ mode });
  return open;
};
afterEach(() => open?.close());

describe('The webhook', { timeout: 60_000 }, () => {
  const post = (url: string, body: string, secret?: string): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(secret !== undefined && { 'x-telegram-bot-api-secret-token': secret }) },
    });

  it('takes updates from whoever knows the secret only, and asks for no token', async () => {
    const { telegram, admin, known } = await office('webhook');
    const ann = await known('Ann', 'requester');
    const set = telegram.calls.find(({ method }) => method === 'setWebhook');
    const address = z.object({ url: z.string() }).parse(set?.parameters).url;
    const message = {
      message_id: 7,
      date: 1,
      chat: { id: ann.chat.id, type: 'private' },
      from: ann.user,
      text: '/task echo forged',
    };
    const update = JSON.stringify({ update_id: 5, message });
    for (const secret of [
      undefined,
      '',
      'undefined',
      `${WEBHOOK_SECRET}x`,
      WEBHOOK_SECRET.slice(0, -1),
      WEBHOOK_SECRET.toUpperCase(),
    ]) {
      for (const body of [update, '', '{']) expect((await post(address, body, secret)).status, secret).toBe(401);
    }
    expect((await admin.call('GET', '/api/v1/tasks')).text).not.toContain('forged');
    for (const junk of ['', '{', '[]', '"x"', 'null', '{"update_id":"x"}'])
      expect((await post(address, junk, WEBHOOK_SECRET)).status).toBe(200);
    expect((await post(address, `"${'x'.repeat(1024 * 1024)}"`, WEBHOOK_SECRET)).status).toBe(413);
    expect((await fetch(address, { headers: { 'x-telegram-bot-api-secret-token': WEBHOOK_SECRET } })).status).toBe(401);
    expect((await post(address, update, WEBHOOK_SECRET)).status).toBe(200);
    expect((await post(address, update, WEBHOOK_SECRET)).status).toBe(200);
    await expect.poll(async () => (await admin.call('GET', '/api/v1/tasks')).text.split('forged').length - 1).toBe(1);
  });

  it('asks for an update again that comes while a service stops which does not know its own name yet', async () => {
    const telegram = await startTelegram();
    try {
      telegram.fault('getMe', { error: 'hang', times: Number.POSITIVE_INFINITY });
      const variables = await telegramVariables(telegram, 'webhook');
      const service = await openService(variables);
      const answer = post(`${variables.BASE_URL}/webhook/telegram`, '{}', WEBHOOK_SECRET);
      await pause(100);
      await service.close();
      expect((await answer).status).toBe(503);
    } finally {
      await telegram.stop();
    }
  });

  it('is not there while updates are asked for', async () => {
    const { service } = await office('polling');
    const { url } = z
      .object({ url: z.string() })
      .parse(JSON.parse(await readFile(join(service.workshop.dataFolder, 'service.json'), 'utf8')));
    for (const secret of [undefined, '', WEBHOOK_SECRET])
      expect((await post(`${url}/webhook/telegram`, '{}', secret)).status).toBe(404);
  });
});
