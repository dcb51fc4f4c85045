import { describe, expect, it } from 'vitest';
import { CLARIFICATIONS_MAX, PREPARATIONS_MAX } from '../../../src/domain/limits.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { folded, given } from '../given.ts';
import { askBack, clarify, prepareRequest, retry } from './commands.ts';
import {
  clarificationRequested,
  requestClarified,
  requestPrepared,
  rerunRequested,
  retryRequested,
  taskCreated,
  untilApproved,
  untilCompleted,
  untilPatchGate,
  untilPrepared,
} from './events.ts';
import { text } from './samples.ts';

const asked = [taskCreated(), clarificationRequested()];

describe('Clarifying a request', () => {
  it('amends what it names and prepares again', () => {
    given(task, asked)
      .when(clarify({ base: 'next' }))
      .yields(requestClarified({ base: 'next' }));
    const clarified = folded(task, asked, requestClarified({ base: 'next' }));
    expect(clarified).toMatchObject({ status: 'CREATED', base: 'next', repo: 'acme/shop' });
    expect(task.nextStep(clarified)).toEqual({ kind: 'prepare', key: 'prepare-1-2' });
  });

  it('adds its words to the request, in their order, and to what is approved', () => {
    const [first, second] = [text('Only the parser.'), text('And its tests.')];
    const history = [...asked, requestClarified({ text: first }), clarificationRequested({ preparation: 2 })];
    expect(folded(task, history, requestClarified({ text: second }))).toMatchObject({ clarifications: [first, second] });
    given(task, asked, requestClarified({ text: first }))
      .when(prepareRequest({ preparation: 2 }))
      .yields(requestPrepared({ preparation: 2 }, { clarifications: [first] }));
  });

  it('is refused without anything to amend', () => {
    given(task, asked).when(clarify()).refuses('nothing-to-clarify-with');
  });

  it('is refused when nobody asked', () => {
    given(task, taskCreated())
      .when(clarify({ base: 'next' }))
      .refuses('not-awaiting-clarification');
    given(task, untilApproved)
      .when(clarify({ base: 'next' }))
      .refuses('not-awaiting-clarification');
  });

  it('is refused after the most that a task may have', () => {
    const rounds = Array.from({ length: CLARIFICATIONS_MAX }, () => [
      requestClarified({ base: 'next' }),
      clarificationRequested(),
    ]);
    given(task, asked, ...rounds)
      .when(clarify({ base: 'next' }))
      .refuses('too-many-clarifications');
  });

  it('cannot send a task that was delivered to another repository or base', () => {
    const again = [...untilCompleted, rerunRequested(), clarificationRequested({ attempt: 2 })];
    given(task, again)
      .when(clarify({ attempt: 2, repo: 'acme/other' }))
      .refuses('delivered-elsewhere');
    given(task, again)
      .when(clarify({ attempt: 2, base: 'next' }))
      .refuses('delivered-elsewhere');
    given(task, again)
      .when(clarify({ attempt: 2, repo: 'acme/shop', text: text('Only the parser.') }))
      .yields(requestClarified({ attempt: 2, repo: 'acme/shop', text: text('Only the parser.') }));
  });
});

describe('Looking again', () => {
  it('prepares the request as it is', () => {
    given(task, asked).when(retry()).yields(retryRequested());
    expect(folded(task, asked, retryRequested()).status).toBe('CREATED');
  });

  it('is refused after the most that an attempt may have', () => {
    const looks = Array.from({ length: PREPARATIONS_MAX - 1 }, (_, index) => [
      retryRequested(),
      clarificationRequested({ preparation: index + 2 }),
    ]);
    given(task, asked, ...looks.slice(0, -1))
      .when(retry())
      .yields(retryRequested());
    given(task, asked, ...looks)
      .when(retry())
      .refuses('too-many-preparations');
  });

  it('is refused when nothing is missing', () => {
    given(task, untilPrepared).when(retry()).refuses('not-awaiting-clarification');
  });
});

describe('Asking back', () => {
  const question = clarificationRequested({ reason: 'QUESTION', sentence: text('Which test?') });

  it('asks the requester instead of approving', () => {
    given(task, untilPrepared).when(askBack()).yields(question);
    expect(folded(task, untilPrepared, question)).toMatchObject({ status: 'WAIT_CLARIFY', reason: 'QUESTION', evidence: {} });
  });

  it('waits for a person, for as long as that takes', () => {
    expect(task.nextStep(folded(task, untilPrepared, question))).toBeUndefined();
  });

  it('is refused at the patch gate, and before there is anything to ask about', () => {
    given(task, untilPatchGate).when(askBack()).refuses('not-awaiting-approval');
    given(task, taskCreated()).when(askBack()).refuses('not-awaiting-approval');
  });
});
