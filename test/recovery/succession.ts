import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TaskView } from '../../src/projections/task-view.ts';
import { approve, type Client, file } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import type { Workshop } from '../support/workshop.ts';

/** A service that is started again whenever it has ended, and somebody who talks to it all that time. */
export interface Succession {
  /** The process that lives now; a new one when the last has ended. */
  current(): Promise<ServiceProcess>;
  /** Sends what got no answer again, to the next process and with the same `Idempotency-Key`. */
  readonly client: Client;
  /** Processes that were started, oldest first. */
  readonly lives: readonly Promise<ServiceProcess>[];
  end(): Promise<void>;
}

/** `environmentOf` is told which life it is for, from 1. */
export const openSuccession = (environmentOf: (life: number) => Readonly<Record<string, string>>): Succession => {
  const lives: Promise<ServiceProcess>[] = [];

  const current = async (): Promise<ServiceProcess> => {
    const last = lives.at(-1);
    const isOver = !last || (await last).hasEnded();
    // Whoever noticed first has started the next one.
    if (isOver && lives.at(-1) === last) lives.push(startService(environmentOf(lives.length + 1)));
    return (lives.at(-1) ?? last) as Promise<ServiceProcess>; // There is one by now.
  };

  return {
    current,
    client: {
      call: async (method, path, body, headers) => {
        const key = method === 'POST' ? { 'idempotency-key': randomUUID() } : {};
        for (;;) {
          const { client, ended } = await current();
          try {
            return await client.call(method, path, body, { ...key, ...headers });
          } catch (error) {
            if (!(error instanceof TypeError)) throw error; // What `fetch` throws when nobody answers.
            await ended;
          }
        }
      },
    },
    lives,
    end: async () => {
      const last = await lives.at(-1);
      if (last && !last.hasEnded()) await last.end('SIGTERM');
    },
  };
};

/** The environment of a service with both gates and an agent that mends the sum, whose temporary files stand where they can be counted. */
export const livingIn = async (
  { folder, environment }: Workshop,
  more: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> => {
  const temporary = join(folder, 'tmp');
  await mkdir(temporary, { recursive: true });
  return environment({
    AGENT_CLI_TEMPLATE: 'sed -i s/-/+/ sum.sh # $OKD_INTENT',
    PATCH_GATE: 'always',
    TMPDIR: temporary,
    ...more,
  });
};

/** From the request through both gates to its end. */
export const deliver = async (client: Client, intent: string): Promise<TaskView> => {
  const asked = await file(client, intent);
  expect(asked.approval?.gate, asked.sentence).toBe('intent');
  const tested = await approve(client, asked);
  expect(tested.approval?.gate, tested.sentence).toBe('patch');
  return approve(client, tested);
};
