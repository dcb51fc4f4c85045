import { describe, expect, it } from 'vitest';
import { historyKind as history, historyIdOf } from '../../../src/domain/history/index.ts';
import { given } from '../given.ts';
import { text } from '../task/samples.ts';
import {
  auditImported,
  forgetHistory,
  historyForgotten,
  importHistory,
  oldLine,
  oldTask,
  SOURCE_ID,
  taskImported,
} from './samples.ts';

const approved = { eventType: 'APPROVE', recordedAt: '2026-02-15T09:01:00.000Z', approvalDecision: 'APPROVE' } as const;

describe('Bringing in what an older service knew', () => {
  it('makes one event of a task and one of each line of the audit', () => {
    given(history)
      .when(importHistory(oldTask(), oldLine(), oldLine(approved)))
      .yields(taskImported(), auditImported(), auditImported(approved));
  });

  it('adds nothing the second time, and only what is new the third', () => {
    const known = [taskImported(), auditImported()];
    given(history, known).when(importHistory(oldTask(), oldLine())).yields();
    given(history, known)
      .when(importHistory(oldTask(), oldLine(), oldLine(approved)))
      .yields(auditImported(approved));
  });

  it('takes lines before their task, and without it', () => {
    given(history).when(importHistory(null, oldLine())).yields(auditImported());
    given(history, auditImported()).when(importHistory(oldTask())).yields(taskImported());
  });

  it('tells lines of one kind and one moment apart by their number', () => {
    const again = { repetition: 1 };
    given(history)
      .when(importHistory(null, oldLine(), oldLine(again)))
      .yields(auditImported(), auditImported(again));
    given(history, auditImported())
      .when(importHistory(null, oldLine(), oldLine(again)))
      .yields(auditImported(again));
    given(history)
      .when(importHistory(null, oldLine(), oldLine()))
      .yields(auditImported());
  });

  it('keeps what is here, whatever the older service says later', () => {
    given(history, taskImported(), auditImported())
      .when(importHistory(oldTask({ status: 'FAILED' }), oldLine({ message: text('Something else.') })))
      .yields();
  });
});

describe('Forgetting history', () => {
  const known = [taskImported(), auditImported()];

  it('is said once its texts are erased, and said again only of others', () => {
    given(history, known).when(forgetHistory(0, 1)).yields(historyForgotten(0, 1));
    given(history, known, historyForgotten(0, 1)).when(forgetHistory()).yields();
    given(history, known, historyForgotten(0)).when(forgetHistory(1)).yields(historyForgotten(1));
    // Cut off after the texts were erased and before it was said: there are none to name, and it is said all the same.
    given(history, known).when(forgetHistory()).yields(historyForgotten());
  });

  it('lets nothing in again', () => {
    given(history, known, historyForgotten(0, 1))
      .when(importHistory(oldTask(), oldLine(approved)))
      .yields();
  });

  it('is refused for what is not here', () => {
    given(history).when(forgetHistory()).refuses('nothing-to-redact');
  });
});

describe('History', () => {
  it('has one name for one task of one service', () => {
    expect(historyIdOf('okaydokki', SOURCE_ID)).toBe(historyIdOf('okaydokki', SOURCE_ID));
    expect(historyIdOf('okaydokki', 'another')).not.toBe(historyIdOf('okaydokki', SOURCE_ID));
  });

  it('waits for nobody, and is for those who administer everything', () => {
    const state = given(history).when(importHistory(oldTask())).leadsTo();
    expect(history.nextStep(state)).toBeUndefined();
    expect(history.needs(importHistory(oldTask()), state)).toEqual([{ right: 'administer', repo: '*' }]);
  });

  it.each([
    ['a line break', 'a\nb'],
    ['a terminal’s own character', 'a\u001b[2J'],
    ['text that turns around', 'a\u202eb'],
    ['nothing', ''],
    ['too much', 'a'.repeat(201)],
  ])('takes no name that holds %s', (_, name) => {
    expect(history.commands.ImportHistory?.safeParse(importHistory(oldTask({ repo: name })).data).success).toBe(false);
  });
});
