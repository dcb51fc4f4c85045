import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../../src/main.ts';
import { type ServerDouble, startServerDouble } from '../store/server-double/index.ts';
import { approve, type Client, clientOf, file } from '../support/client.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { COUNTERSIGN, countersign, onTerminal, type Ran } from './workbench.ts';

const WORDS = 'Ask Rosalind about the sum.';
const NAME = 'Adaline Byrne';

describe('Copying the log to another store', () => {
  let workshop: Workshop;
  let server: ServerDouble;
  let audit: string;
  let personId: string;
  let taskId: string;
  let events: number;

  const serving = async (more: Readonly<Record<string, string>>, use: (client: Client) => Promise<unknown>): Promise<void> => {
    const service = await serve(workshop.configuration({ AGENT_CLI_TEMPLATE: 'sed -i s/-/+/ sum.sh', ...more }));
    try {
      await use(await clientOf(workshop.dataFolder));
    } finally {
      await service.stop();
    }
  };
  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> =>
    countersign(args, { cwd: workshop.folder, env: workshop.environment(more) });
  const copyOf = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(['store', 'copy', ...args, '--json'], { EVENTSTORE_URL: server.url });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  /** The audit that the log in a folder gives, by the command line alone. */
  const auditIn = async (folder: string): Promise<string> => {
    const DATA_DIR = join(workshop.folder, folder);
    expect(await run(['projections', 'rebuild'], { DATA_DIR })).toMatchObject({ code: 0 });
    expect(await run(['replay'], { DATA_DIR })).toMatchObject({ code: 0 });
    return readFile(join(DATA_DIR, 'audit.jsonl'), 'utf8');
  };
  const verified = async (folder: string): Promise<unknown> => {
    const { stdout } = await run(['audit', 'verify', '--file', join(workshop.folder, folder, 'audit.jsonl'), '--json']);
    return (JSON.parse(stdout) as { valid: unknown }).valid;
  };

  beforeAll(async () => {
    workshop = await openWorkshop();
    server = await startServerDouble();
    await serving({}, async (client) => {
      const task = await approve(client, await file(client, WORDS));
      expect(task.status).toBe('COMPLETED');
      ({ taskId } = task);
      const person = await client.call('POST', '/api/v1/people', { name: NAME });
      personId = String(Reflect.get(Object(person.json()), 'person_id'));
      const refused = await run(['store', 'copy', '--to', server.url]);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain('Another countersign process works in this data folder.');
      expect(server.log.events).toHaveLength(0);
    });
    audit = await readFile(join(workshop.dataFolder, 'audit.jsonl'), 'utf8');
  });
  afterAll(async () => {
    await server?.stop();
    await workshop?.remove();
  });

  it.each([
    ['nothing is named', [], 2, 'Name where to copy the log to'],
    ['it would be copied onto itself', ['--to', 'data'], 1, 'onto itself'],
    ['there is no log', ['--from', 'elsewhere', '--to', 'data'], 1, 'There is no log in the source.'],
    ['two clients would be needed', ['--from', 'esdb://127.0.0.1:1', '--to', 'kurrentdb://127.0.0.1:1'], 1, 'write esdb:// or'],
    ['what is to be left out is no stream', ['--to', 'copy', '--redact', 'Ada'], 1, 'is named as the audit names it'],
    ['a login cannot be read', ['--to', 'esdb://root:hunter2%@127.0.0.1:1'], 1, 'a percent sign in a password is written %25'],
    ['the server does not answer', ['--to', 'esdb://127.0.0.1:1?tls=false'], 1, 'type the same again'],
    [
      'an address shows a password',
      ['--from', 'esdb://root:hunter2@127.0.0.1:1', '--to', 'esdb://root:hunter2@127.0.0.1:1'],
      1,
      '',
    ],
  ])('is refused with a sentence when %s', async (_, args, code, sentence) => {
    const refused = await run(['store', 'copy', ...args]);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code, stdout: '' });
    expect(refused.stderr).toContain(sentence);
    expect(refused.stderr).not.toMatch(/\n\s+at |node:internal|hunter2/);
  });

  it('goes on after it was killed, and the service goes on with the copy, whose audit is the same bytes', async () => {
    server.faults.delayMs = 15;
    const child = spawn(COUNTERSIGN, ['store', 'copy', '--to', server.url], {
      cwd: workshop.folder,
      env: workshop.environment(),
      detached: true,
      stdio: 'ignore',
    });
    await expect.poll(() => server.log.events.length, { timeout: 30_000 }).toBeGreaterThan(3);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'exit');
    server.faults.delayMs = 0;

    const { stdout } = await run(['store', 'copy', '--to', server.url, '--json']);
    const report = JSON.parse(stdout) as { events: number; added: number };
    events = report.events;
    expect(report).toMatchObject({ faults: [], redacted: [] });
    expect(report.added).toBeLessThan(events);
    expect(server.log.events).toHaveLength(events);
    expect(events).toBe(audit.trimEnd().split('\n').length);

    await serving({ EVENTSTORE_URL: server.url }, async (client) => {
      const answer = await client.call('GET', '/api/v1/audit.jsonl');
      expect(answer.text).toBe(audit);
      expect((await client.call('GET', `/api/v1/tasks/${taskId}`)).task()).toMatchObject({ status: 'COMPLETED', intent: WORDS });
    });
  });

  it('says on the server that nothing is erased there, and which command does it', async () => {
    await serving({ EVENTSTORE_URL: server.url }, async (client) => {
      for (const [method, path, body] of [
        ['POST', `/api/v1/tasks/${taskId}/redactions`, { revision: 0 }],
        ['DELETE', `/api/v1/people/${personId}`, undefined],
        ['DELETE', `/api/v1/history/${crypto.randomUUID()}`, undefined],
      ] as const) {
        const answer = await client.call(method, path, body);
        expect(answer.status).toBe(409);
        expect(answer.json()).toMatchObject({
          error_code: 'INVALID_ACTION',
          detail: expect.stringContaining('countersign store copy --redact'),
        });
      }
      expect((await client.call('GET', `/api/v1/people/${personId}`)).text).toContain(NAME);
    });
  });

  it('comes back into a file as it was, with a bar for a person', async () => {
    const { stdout } = await onTerminal(['store', 'copy', '--to', 'back'], {
      cwd: workshop.folder,
      env: workshop.environment({ EVENTSTORE_URL: server.url }),
    });
    expect(stdout).toMatch(/events copied {2}━+ 100 %/);
    expect(stdout).toContain(
      `holds all of it: ${events} events, of which ${events} were copied now. Every hash was computed anew.`,
    );
    expect(await auditIn('back')).toBe(audit);
  });

  it('leaves out what is named, on the way to another server too, and every hash still holds', async () => {
    const fresh = await startServerDouble();
    const named = ['--redact', personId, `task-${taskId}`];
    const report = await copyOf('--to', fresh.url, ...named);
    expect(report).toMatchObject({ faults: [], redacted: named.slice(1) });
    expect(report.events).toBe(fresh.log.events.length);
    expect(report.events).toBeGreaterThan(events);
    expect(existsSync(join(workshop.dataFolder, 'store-copy'))).toBe(false);

    const stored = fresh.log.events.map(({ data }) => Buffer.from(data).toString()).join('\n');
    expect(stored).not.toContain(WORDS);
    expect(stored).not.toContain(NAME);
    expect(stored).toContain('Local administrator');
    expect(server.log.events.map(({ data }) => Buffer.from(data).toString()).join('\n')).toContain(WORDS);

    await copyOf('--from', fresh.url, '--to', 'erased');
    await fresh.stop();
    const erased = await auditIn('erased');
    expect(await verified('erased')).toBe(true);
    // What was not erased is the same line, hashes and all; what was erased is the same event by its hash.
    const hashes = (text: string): unknown[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { lineHash: unknown }).lineHash);
    expect(hashes(erased).slice(0, events)).toEqual(hashes(audit));
    expect(erased.slice(0, 100_000)).not.toContain(WORDS);
    const types = erased.matchAll(/"type":"(PersonErased|PersonForgotten|TextRedacted)"/g);
    expect(new Set(Array.from(types, ([, type]) => type))).toEqual(new Set(['PersonErased', 'PersonForgotten', 'TextRedacted']));
  });

  it('that leaves texts out holds none of them, nor what an order before it would have erased', async () => {
    const wrong = ['--to', 'once', '--redact', `task-${taskId}`, `person-${crypto.randomUUID()}`];
    const there = { EVENTSTORE_URL: server.url };
    expect(await run(['store', 'copy', ...wrong], there)).toMatchObject({ code: 1 });
    expect(existsSync(join(workshop.dataFolder, 'store-copy'))).toBe(true);
    expect(existsSync(join(workshop.folder, 'once', 'log.db'))).toBe(false);

    const right = ['--to', 'once', '--redact', personId];
    expect((await copyOf(...right)).faults).toEqual([]);
    const once = await auditIn('once');
    expect(once).not.toContain(NAME);
    expect(once).toContain(WORDS);
    expect(existsSync(join(workshop.dataFolder, 'store-copy'))).toBe(false);
    expect(await run(['store', 'copy', ...right], there)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The target holds other things'),
    });
  });

  it('erases nothing that may not be erased', async () => {
    const { code, stderr } = await run(['store', 'copy', '--to', 'refused', '--redact', `task-${crypto.randomUUID()}`]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('There is no task-') });
    expect(await run(['store', 'copy', '--to', 'refused', '--redact', `person-${crypto.randomUUID()}`])).toMatchObject({
      code: 1,
    });
  });
});
