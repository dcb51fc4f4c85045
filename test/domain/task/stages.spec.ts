import { describe, expect, it } from 'vitest';
import { EXECUTIONS_MAX } from '../../../src/domain/limits.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import type { Stage } from '../../../src/domain/task/shapes.ts';
import { ownText } from '../../../src/domain/text.ts';
import { folded, given } from '../given.ts';
import { claimStage, collectChange, failStage, releaseStage } from './commands.ts';
import {
  rerunRequested,
  stageClaimed,
  stageReleased,
  taskCancelled,
  taskCompleted,
  taskCreated,
  taskFailed,
  untilAgent,
  untilApproved,
  untilBookkeeping,
  untilOpened,
  untilPatchGate,
  untilPrepared,
  untilRequested,
  untilTested,
} from './events.ts';
import { minutesAfter, NOON, text } from './samples.ts';

const claims = (stage: Stage, count: number) =>
  Array.from({ length: count }, (_, index) => stageClaimed(stage, { execution: index + 1 }));

describe('Claiming a stage', () => {
  it('names worker and execution, and keeps the step for who may take it over', () => {
    given(task, untilApproved).when(claimStage('agent')).yields(stageClaimed('agent'));
    expect(task.nextStep(folded(task, untilAgent))).toEqual({ kind: 'agent', key: 'agent-1-2', claimedBy: 'worker-one' });
  });

  it('is lost by the second of two who saw the same', () => {
    given(task, untilAgent)
      .when(claimStage('agent', { worker: 'worker-two' }))
      .refuses('fence-overtaken');
  });

  it('takes over from a silent worker as the next execution', () => {
    given(task, untilAgent)
      .when(claimStage('agent', { execution: 2, worker: 'worker-two' }))
      .yields(stageClaimed('agent', { execution: 2, worker: 'worker-two' }));
  });

  it('is refused for an execution that nobody is at', () => {
    given(task, untilApproved)
      .when(claimStage('agent', { execution: 2 }))
      .refuses('fence-overtaken');
  });

  it('is refused for another stage or attempt, and where no stage is due', () => {
    given(task, untilApproved).when(claimStage('sandbox')).refuses('stage-not-due');
    given(task, untilApproved)
      .when(claimStage('agent', { attempt: 2 }))
      .refuses('another-attempt');
    for (const history of [[taskCreated()], untilPrepared, untilPatchGate, [...untilAgent, taskCancelled()]]) {
      given(task, history).when(claimStage('agent')).refuses('stage-not-due');
    }
  });
});

describe('An outcome', () => {
  const overtaken = [...untilAgent, stageClaimed('agent', { execution: 2, worker: 'worker-two' })];

  it('is refused when another worker has taken the stage over', () => {
    given(task, overtaken).when(collectChange()).refuses('fence-overtaken');
    given(task, overtaken).when(failStage('agent')).refuses('fence-overtaken');
    given(task, overtaken).when(releaseStage('agent')).refuses('fence-overtaken');
  });

  it('is refused when nobody claimed the stage, or it was handed back', () => {
    given(task, untilApproved).when(collectChange()).refuses('fence-overtaken');
    given(task, untilAgent, stageReleased('agent')).when(collectChange()).refuses('fence-overtaken');
  });

  it('is refused after a cancel, and in the attempt after it', () => {
    given(task, untilAgent, taskCancelled()).when(collectChange()).refuses('stage-not-due');
    given(task, untilAgent, taskCancelled(), rerunRequested()).when(collectChange()).refuses('another-attempt');
  });

  it('is refused at a stage it does not belong to', () => {
    const fence = { attempt: 1, stage: 'delivery', execution: 1 } as const;
    given(task, untilTested, stageClaimed('delivery')).when(collectChange({ fence })).refuses('stage-not-due');
  });
});

describe('Handing a stage back', () => {
  const later = minutesAfter(1);
  const down = text('GitHub does not answer.');
  const outside = { reason: 'outside_failure', sentence: down, notBefore: later } as const;

  it('waits until it is due again', () => {
    given(task, untilAgent).when(releaseStage('agent', outside)).yields(stageReleased('agent', outside));
    const released = [...untilAgent, stageReleased('agent', outside)];
    expect(task.nextStep(folded(task, released))).toEqual({ kind: 'agent', key: 'agent-1-2', notBefore: later });
    given(task, released)
      .when(claimStage('agent', { execution: 2 }))
      .refuses('stage-not-due');
    given(task, released)
      .when(claimStage('agent', { execution: 2 }, { at: later }))
      .yields(stageClaimed('agent', { execution: 2 }));
  });

  it.each([2, 60, 26 * 60])('waits no longer than two minutes by anybody, whose clock may be %i minutes behind', (minutes) => {
    const released = stageReleased('agent', { ...outside, notBefore: minutesAfter(minutes) });
    const claimed = claimStage('agent', { execution: 2 }, { at: NOON });
    if (minutes > 2)
      given(task, untilAgent, released)
        .when(claimed)
        .yields(stageClaimed('agent', { execution: 2 }));
    else given(task, untilAgent, released).when(claimed).refuses('stage-not-due');
  });

  it('does not count as an execution when the worker is stopped, however often', () => {
    const stops = Array.from({ length: 10 }, (_, index) => [
      stageClaimed('agent', { execution: index + 1 }),
      stageReleased('agent', { execution: index + 1 }),
    ]);
    given(task, untilApproved, ...stops)
      .when(claimStage('agent', { execution: 11 }))
      .yields(stageClaimed('agent', { execution: 11 }));
  });

  it.each([
    ['agent', untilApproved, 'AGENT_FAILED'],
    ['delivery', untilTested, 'PR_CREATE_FAILED'],
  ] as const)(
    'ends the attempt when something outside was down for the last execution of the %s stage',
    (stage, before, errorCode) => {
      const last = { ...outside, execution: EXECUTIONS_MAX };
      given(task, before, claims(stage, EXECUTIONS_MAX))
        .when(releaseStage(stage, last))
        .yields(stageReleased(stage, last), taskFailed({ errorCode, stage, sentence: down }));
    },
  );
});

describe('A stage that never comes to an end', () => {
  it(`is given up after ${EXECUTIONS_MAX} executions`, () => {
    const sentence = ownText(
      "This stage was started 3 times and never came to an end. Look at the service's log, then rerun the task.",
    );
    given(task, untilApproved, claims('agent', EXECUTIONS_MAX))
      .when(claimStage('agent', { execution: EXECUTIONS_MAX + 1 }))
      .yields(taskFailed({ errorCode: 'INTERRUPTED', sentence }));
  });

  it('counts anew for the next stage', () => {
    expect(folded(task, untilTested, stageClaimed('delivery'))).toMatchObject({ claim: { execution: 1, counted: 1 } });
  });
});

describe('A stage that fails', () => {
  it('fails the task with its code and sentence', () => {
    given(task, untilAgent).when(failStage('agent')).yields(taskFailed());
    expect(task.nextStep(folded(task, untilAgent, taskFailed()))).toBeUndefined();
  });

  it('cannot say that a person refused, cancelled or came too late', () => {
    for (const errorCode of ['REJECTED', 'CANCELLED', 'APPROVAL_EXPIRED']) {
      const data = { ...(failStage('agent').data as object), errorCode };
      expect(task.commands.FailStage?.safeParse(data).success).toBe(false);
    }
  });
});

describe('The bookkeeping after a delivery', () => {
  it('never fails what was delivered', () => {
    given(task, untilBookkeeping).when(failStage('bookkeeping')).refuses('stage-not-due');
    given(task, untilOpened, claims('bookkeeping', EXECUTIONS_MAX))
      .when(claimStage('bookkeeping', { execution: EXECUTIONS_MAX + 1 }))
      .yields(taskCompleted());
  });

  it('is done without when something outside stays down', () => {
    const last = { execution: EXECUTIONS_MAX, reason: 'outside_failure', sentence: text('Down.'), notBefore: NOON } as const;
    given(task, untilOpened, claims('bookkeeping', EXECUTIONS_MAX))
      .when(releaseStage('bookkeeping', last))
      .yields(stageReleased('bookkeeping', last), taskCompleted());
  });

  it('is not the end of a delivery that has not come to a pull request', () => {
    given(task, untilRequested).when(releaseStage('delivery')).yields(stageReleased('delivery'));
  });
});
