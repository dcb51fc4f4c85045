import { describe, expect, it } from 'vitest';
import type { Happened } from '../../src/domain/event.ts';
import { AuditLine, auditLine, NO_LINES } from '../../src/projections/audit.ts';
import { asOkayDokki } from '../../src/projections/audit-okaydokki.ts';
import * as events from '../domain/task/events.ts';
import { ANNA, artifact, text } from '../domain/task/samples.ts';
import { recordedStory } from '../views/stories.ts';

const exported = (...history: readonly Happened[]) => {
  let head = NO_LINES;
  const lines = recordedStory(history).map((event) => {
    const line = auditLine(event, head);
    ({ head } = line);
    return AuditLine.parse(JSON.parse(line.text));
  });
  return Array.fromAsync(asOkayDokki(lines));
};

const TYPES = ['REQUEST', 'RETRY', 'APPROVE', 'REJECT', 'RUN', 'PR_CREATED', 'FAILED'];

describe('The export as an audit of OkayDokki', () => {
  it('tells the same story in its words', async () => {
    const lines = await exported(...events.untilCompleted);
    expect(lines.map(({ eventType }) => eventType)).toEqual(['REQUEST', 'APPROVE', 'RUN', 'PR_CREATED']);
    expect(lines[0]).toMatchObject({ auditVersion: '1.0', triggerUser: ANNA, message: 'Fix the failing test.' });
    expect(lines[2]).toMatchObject({
      testsResult: 'PASS',
      diffHash: artifact('patch').digest,
      agentLogs: [artifact('test log').digest],
    });
    expect(lines[3]).toMatchObject({ prLink: events.PULL_REQUEST.url });
  });

  it('tells refusals, failures and new attempts', async () => {
    const rejected = await exported(...events.untilPrepared, events.taskRejected(), events.rerunRequested());
    expect(rejected.map(({ eventType }) => eventType)).toEqual(['REQUEST', 'REJECT', 'RETRY']);
    expect(rejected[1]).toMatchObject({ approvalDecision: 'REJECT' });
    const failed = await exported(...events.untilAgent, events.taskFailed({ sentence: text('It ended.') }));
    expect(failed.at(-1)).toMatchObject({ eventType: 'FAILED', errorCode: 'AGENT_FAILED', message: 'It ended.' });
  });

  it('leaves out what somebody else appended', async () => {
    const [first] = recordedStory(events.untilCompleted);
    const { text: line } = auditLine(
      { ...(first ?? expect.fail('a story has a beginning')), data: null, metadata: {} },
      NO_LINES,
    );
    expect(await Array.fromAsync(asOkayDokki([AuditLine.parse(JSON.parse(line))]))).toEqual([]);
  });

  it('keeps their four rules in every line: time, type, decision, logs', async () => {
    const histories = [events.untilCompleted, events.untilPatchApproved, [...events.untilPrepared, events.taskCancelled()]];
    for (const line of (await Promise.all(histories.map((history) => exported(...history)))).flat()) {
      expect(Number.isNaN(Date.parse(line.timestamp))).toBe(false);
      expect(TYPES).toContain(line.eventType);
      expect(['APPROVE', 'REJECT', undefined]).toContain(line.approvalDecision);
      expect((line.agentLogs ?? []).every((log) => typeof log === 'string')).toBe(true);
      expect(line.taskId && line.triggerUser && line.auditVersion).toBeTruthy();
    }
  });
});
