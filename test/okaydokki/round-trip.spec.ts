import { describe, expect, it } from 'vitest';
import type { Happened } from '../../src/domain/event.ts';
import type { Position } from '../../src/domain/event-store.ts';
import { historyKind } from '../../src/domain/history/index.ts';
import { readAuditLines } from '../../src/infra/okaydokki/audit.ts';
import { historyOf } from '../../src/infra/okaydokki/history.ts';
import { AuditLine, auditLine, NO_LINES } from '../../src/projections/audit.ts';
import { asOkayDokki, type OkayDokkiLine } from '../../src/projections/audit-okaydokki.ts';
import { type HistoryView, historyProjection } from '../../src/projections/history.ts';
import type { Seen } from '../../src/projections/projection.ts';
import { happenedBy } from '../domain/given.ts';
import * as events from '../domain/task/events.ts';
import { BERT, NOON, text } from '../domain/task/samples.ts';
import { recordedStory } from '../views/stories.ts';

const exported = (history: readonly Happened[]): Promise<OkayDokkiLine[]> => {
  let head = NO_LINES;
  const lines = recordedStory(history).map((event) => {
    const line = auditLine(event, head);
    ({ head } = line);
    return AuditLine.parse(JSON.parse(line.text));
  });
  return Array.fromAsync(asOkayDokki(lines));
};

const broughtIn = async (lines: readonly OkayDokkiLine[]): Promise<HistoryView | undefined> => {
  const read = await Array.fromAsync(readAuditLines(lines.map((line) => JSON.stringify(line))));
  const audit = read.map((line) => {
    if (!('record' in line)) throw new Error(`Line ${line.number} keeps their rules.`);
    return line.record;
  });
  const [data] = historyOf({ source: 'okaydokki', tasks: [], audit }, text);
  const command = { id: '', type: 'ImportHistory', data, actor: BERT, channel: 'http', at: NOON };
  const facts = happenedBy(historyKind.decide(command, historyKind.initialState), command);
  return facts
    .map((fact, revision): Seen => ({ ...fact, stream: '', revision, position: '' as Position, channel: 'http' })) // Any place will do.
    .reduce<HistoryView | undefined>(historyProjection.fold, undefined);
};

describe('What is exported as an audit of OkayDokki', () => {
  it.each([
    ['a delivery', events.untilCompleted],
    ['two gates', events.untilPatchApproved],
    ['a refusal and a new attempt', [...events.untilPrepared, events.taskRejected(), events.rerunRequested()]],
    ['a failure', [...events.untilAgent, events.taskFailed({ sentence: text('It ended.') })]],
    ['a cancelled request', [...events.untilPrepared, events.taskCancelled()]],
  ])('keeps their rules, and can be brought in again as it was: %s', async (_, story) => {
    const lines = await exported(story);
    const history = await broughtIn(lines);
    expect(history?.sourceId).toBe(lines[0]?.taskId);
    expect(history?.lines).toEqual(
      lines.map((line) => ({
        recordedAt: line.timestamp,
        eventType: line.eventType,
        requestedBy: line.triggerUser,
        message: line.message ?? null,
        approvalDecision: line.approvalDecision ?? null,
        errorCode: line.errorCode ?? null,
        testsResult: line.testsResult ?? null,
        diffHash: line.diffHash ?? null,
        pullRequest: line.prLink ?? null,
        agentLogs: line.agentLogs?.join('\n') ?? null,
      })),
    );
  });
});
