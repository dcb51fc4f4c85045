import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startServerDouble } from '../store/server-double/index.ts';
import { approve, file } from '../support/client.ts';
import { startService } from '../support/service-process.ts';
import { startTelegram } from '../support/telegram/index.ts';
import { openWorkshop } from '../support/workshop.ts';
import { against, type Figure } from './figure.ts';

const ROUNDS = 12;

/** What heart-beats, leases, claims and looks for what an earlier execution may have done take of a delivery whose agent takes a second. */
const share = async (name: string, eventStore: { readonly url: string } | null): Promise<Figure> => {
  const workshop = await openWorkshop({ 'README.md': 'Hello.\n' });
  const telegram = await startTelegram();
  const costsFile = join(workshop.folder, 'costs');
  const service = await startService(
    workshop.environment({
      DEFAULT_TEST_COMMAND: 'true',
      AGENT_CLI_TEMPLATE: 'sleep 1; date +%N > now.txt # $OKD_INTENT',
      // Whoever has a bot holds its lease, too.
      TELEGRAM_BOT_TOKEN: telegram.token,
      TELEGRAM_API_ROOT: telegram.apiRoot,
      TELEGRAM_MODE: 'polling',
      COSTS_FILE: costsFile,
      ...(eventStore && { EVENTSTORE_URL: eventStore.url }),
    }),
    join(import.meta.dirname, 'cost-stage.ts'),
  );
  const spent = async (): Promise<number> => {
    await service.tell({});
    return Number(await readFile(costsFile, 'utf8'));
  };
  try {
    let took = 0;
    let before = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const filed = await file(service.client, `Round ${round}`);
      // The first one is slower: nothing is warm.
      if (round === 1) before = await spent();
      const begin = performance.now();
      const done = await approve(service.client, filed);
      if (done.status !== 'COMPLETED') throw new Error(`${done.status}: ${done.sentence}`);
      if (round > 0) took += performance.now() - begin;
    }
    return against(
      `${name}: leases and reconciliation of a delivery`,
      ((await spent()) - before) / ROUNDS,
      'ms',
      took / ROUNDS,
      '<= 0.05',
    );
  } finally {
    await service.end('SIGTERM');
    await telegram.stop();
    await workshop.remove();
  }
};

export const leases = async (): Promise<Figure[]> => {
  const server = await startServerDouble();
  try {
    return [await share('SQLite', null), await share('EventStoreDB', server)];
  } finally {
    await server.stop();
  }
};
