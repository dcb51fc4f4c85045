import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readAuditLines } from '../../src/infra/okaydokki/audit.ts';
import { batchesOf } from '../../src/infra/okaydokki/batches.ts';
import { readTasks } from '../../src/infra/okaydokki/database.ts';
import { OkayDokkiBatch } from '../../src/infra/okaydokki/history.ts';
import { TEXT_CHARACTERS_MAX } from '../../src/infra/okaydokki/records.ts';
import { FIRST, OLD_STORY, type OldRow, oldLine, oldRow, SECOND, writeOldDatabase } from './remains.ts';

const aFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-old-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const rowsOf = (rows: readonly OldRow[], columns?: string[]) => [...readTasks(writeOldDatabase(aFolder(), rows, columns))];

const linesOf = (...lines: readonly (object | string)[]) =>
  Array.fromAsync(readAuditLines(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))));

describe('The database of an OkayDokki', () => {
  it('is read oldest first, each row as it is', () => {
    const younger = oldRow({
      task_id: SECOND,
      created_at: '2026-02-16T09:00:00.000Z',
      approved_by: null,
      status: 'WAIT_CLARIFY',
    });
    expect(rowsOf([younger, oldRow()])).toEqual([
      { file: 'database', number: 2, record: oldRow() },
      { file: 'database', number: 1, record: younger },
    ]);
  });

  it('may be of a version without strategies and bases', () => {
    const columns = Object.keys(oldRow()).slice(0, -2);
    expect(rowsOf([oldRow()], columns)).toMatchObject([{ record: { delivery_strategy: 'rolling', base_branch: 'main' } }]);
  });

  it('is only read: it stays as it was, byte for byte, and may be held open by another', () => {
    const file = writeOldDatabase(aFolder(), [oldRow()]);
    const other = new DatabaseSync(file);
    onTestFinished(() => other.close());
    expect([...readTasks(file)]).toHaveLength(1);
    expect(other.prepare('SELECT count(*) AS count FROM tasks').get()).toEqual({ count: 1 });
  });

  it.each([
    [{ status: 'DONE' }, /^status is none of its statuses$/],
    [{ created_at: 'yesterday' }, /^created_at must be a time$/],
    [{ repo: 'a\u001b[2Jb' }, /^repo must be a name without control characters$/],
    [{ task_id: 'x'.repeat(300) }, /^task_id must have at most 200 characters$/],
    [{ intent: null }, /^intent /],
    [{ trigger_user: '' }, /^trigger_user must not be empty$/],
  ])('has no row %o without a sentence about it', (over, fault) => {
    const [row] = rowsOf([oldRow(over)]);
    expect(row).toEqual({ file: 'database', number: 1, faults: [expect.stringMatching(fault)] });
  });

  it('is refused when it is none', () => {
    const folder = aFolder();
    const text = join(folder, 'text');
    writeFileSync(text, 'This is no database, but it is long enough to be looked at. '.repeat(20));
    expect(() => [...readTasks(text)]).toThrow('There is no database of OkayDokki there');
    expect(() => [...readTasks(join(folder, 'missing'))]).toThrow('There is no database of OkayDokki there');
    expect(() => rowsOf([oldRow()], ['task_id', 'repo'])).toThrow('OkayDokki did not make it');
  });
});

describe('The audit of an OkayDokki', () => {
  it('is read line by line, with the number of each', async () => {
    const read = await linesOf(...OLD_STORY);
    expect(read.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(read[2]).toMatchObject({ record: { eventType: 'RUN', agentLogs: ['reading\nwriting\ndone'], repetition: 0 } });
  });

  it('tells lines of one kind and one moment apart', async () => {
    const read = await linesOf(oldLine(), oldLine(), oldLine({ taskId: SECOND }));
    expect(read.map((line) => 'record' in line && line.record.repetition)).toEqual([0, 1, 0]);
  });

  it('is held to their four rules, and to one line a record; no fault repeats what stands there', async () => {
    const read = await linesOf(
      oldLine({ timestamp: 'hunter2' }),
      oldLine({ eventType: 'hunter2' }),
      oldLine({ approvalDecision: 'hunter2' }),
      oldLine({ agentLogs: ['fine', 2] }),
      oldLine({ taskId: undefined }),
      oldLine({ triggerUser: '' }),
      '{"auditVersion":"1.0","timesta',
      '["hunter2"]',
      '',
    );
    expect(read.map((line) => 'faults' in line && line.faults.join())).toEqual([
      'timestamp must be a time',
      'eventType is none of its event types',
      'approvalDecision must be APPROVE or REJECT',
      expect.stringMatching(/^agentLogs\.1 /),
      expect.stringMatching(/^taskId /),
      'triggerUser must not be empty',
      'is no JSON, or was cut short',
      expect.any(String),
    ]);
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });

  it('may hold conversations, which are passed over and counted', async () => {
    const chat = oldLine({ taskId: 'chat:4711', eventType: 'CHAT_REQUEST' });
    expect(await linesOf(chat)).toEqual([{ file: 'audit', number: 1, passedOver: true }]);
  });

  it('may hold any time that their rule lets through', async () => {
    expect(await linesOf(oldLine({ timestamp: '2026-02-15 10:00:00+01:00' }))).toMatchObject([
      { record: { timestamp: '2026-02-15T09:00:00.000Z' } },
    ]);
  });

  it('has its longest texts cut in the middle, where it says so', async () => {
    const [line] = await linesOf(oldLine({ message: `begin${'😀'.repeat(TEXT_CHARACTERS_MAX)}end` }));
    const message = (line && 'record' in line && line.record.message) || '';
    expect(message.length).toBeLessThanOrEqual(TEXT_CHARACTERS_MAX);
    expect(message).toMatch(/^begin.*\n\[\d+ characters were left out when this was imported\]\n.*end$/s);
    expect(message.isWellFormed()).toBe(true);
  });
});

describe('A batch', () => {
  async function* items(count: number, message: string) {
    for (let number = 0; number < count; number++) {
      const [line] = await linesOf(oldLine({ taskId: `${FIRST}-${number}`, message }));
      if (line && 'record' in line) yield { audit: line.record };
    }
  }

  it('is never over what the service takes, whatever stands in it', async () => {
    for (const message of ['short', '\u0001'.repeat(TEXT_CHARACTERS_MAX)]) {
      const batches = await Array.fromAsync(batchesOf(items(1_001, message)));
      expect(batches.reduce((sum, { audit }) => sum + audit.length, 0)).toBe(1_001);
      for (const batch of batches) {
        expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(256 * 1024);
        expect(OkayDokkiBatch.safeParse(batch).success).toBe(true);
      }
    }
  });
});
