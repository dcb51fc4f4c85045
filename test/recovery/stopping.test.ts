import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { taskStream } from '../../src/domain/ids.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import { serve } from '../../src/main.ts';
import { clientOf, file } from '../support/client.ts';
import { openWorkshop } from '../support/workshop.ts';

/** Looks of upkeep come at once: in life the first comes after ten minutes. */
const hurryUpkeep = (): void => {
  const { setInterval } = globalThis;
  const hurried = (work: () => void, ms?: number) => setInterval(work, ms !== undefined && ms >= 600_000 ? 50 : ms);
  vi.spyOn(globalThis, 'setInterval').mockImplementation(hurried);
  onTestFinished(() => void vi.restoreAllMocks());
};

describe('A stop', () => {
  it('hands stages back first, whatever upkeep still waits for', async () => {
    hurryUpkeep();
    const bucket = createServer(); // It takes connections and says nothing.
    bucket.listen(0, '127.0.0.1');
    await once(bucket, 'listening');
    const { port } = bucket.address() as AddressInfo; // A TCP server that listens has one.
    const asked = once(bucket, 'request');
    const workshop = await openWorkshop();
    onTestFinished(() => workshop.remove());
    const service = await serve(
      workshop.configuration({
        AGENT_CLI_TEMPLATE: 'sleep 60 # $OKD_INTENT',
        ARTIFACT_STORE: 's3://bucket',
        ARTIFACT_STORE_ENDPOINT: `http://127.0.0.1:${port}`,
        ARTIFACT_STORE_REGION: 'eu-central-1',
        ARTIFACT_STORE_KEY_ID: 'AKIACOUNTERSIGN00001',
        ARTIFACT_STORE_SECRET: 'a-secret-key-of-forty-characters-or-so-12',
      }),
    );
    const client = await clientOf(workshop.dataFolder);
    const { taskId, approval } = await file(client, 'Wait.');
    await client.call('POST', `/api/v1/tasks/${taskId}/actions`, { action: 'approve', approval_digest: approval?.digest });
    const log = openSqliteStore({ file: join(workshop.dataFolder, 'log.db') });
    onTestFinished(() => log.close());
    const lastFact = async (): Promise<string | undefined> =>
      (await Array.fromAsync(log.readStream(taskStream(taskId), { direction: 'backwards', limit: 1 })))[0]?.type;
    await expect.poll(lastFact, { timeout: 10_000 }).toBe('StageClaimed');
    await asked;

    const stopped = service.stop();
    await expect.poll(lastFact, { timeout: 3_000 }).toBe('StageReleased');
    bucket.close();
    bucket.closeAllConnections();
    await stopped;
  });
});
