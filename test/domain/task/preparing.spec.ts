import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/domain/limits.ts';
import { defaultPolicy } from '../../../src/domain/policy/policy.ts';
import { intentGateDigest } from '../../../src/domain/task/approval.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import type { Prepared } from '../../../src/domain/task/shapes.ts';
import { redacted } from '../../../src/domain/text.ts';
import { folded, given } from '../given.ts';
import { askForClarification, prepareRequest } from './commands.ts';
import {
  clarificationRequested,
  INTENT,
  INTENT_DIGEST,
  requestPrepared,
  retryRequested,
  taskCreated,
  untilApproved,
  untilPrepared,
} from './events.ts';
import { objectId, prepared, TASK_ID, TOMORROW, text } from './samples.ts';

describe('Preparing a request', () => {
  it('fixes what will be used and asks a person', () => {
    given(task, taskCreated()).when(prepareRequest()).yields(requestPrepared());
  });

  it('waits for an approval until it expires', () => {
    expect(task.nextStep(folded(task, untilPrepared))).toMatchObject({ kind: 'expire', notBefore: TOMORROW });
  });

  it('asks for what is missing, with a reason', () => {
    given(task, taskCreated()).when(askForClarification()).yields(clarificationRequested());
    expect(folded(task, taskCreated(), clarificationRequested())).toMatchObject({
      status: 'WAIT_CLARIFY',
      reason: 'BASE_MISSING',
    });
  });

  it('is refused when it comes late: it looked at a request that was amended since', () => {
    const history = [taskCreated(), clarificationRequested(), retryRequested()];
    given(task, history)
      .when(prepareRequest({ preparation: 1 }))
      .refuses('stage-not-due');
    given(task, history)
      .when(askForClarification({ preparation: 1 }))
      .refuses('stage-not-due');
    given(task, history)
      .when(prepareRequest({ preparation: 2 }))
      .yields(requestPrepared({ preparation: 2 }));
  });

  it('is refused once it was prepared, and once it runs', () => {
    given(task, untilPrepared).when(prepareRequest()).refuses('stage-not-due');
    given(task, untilApproved)
      .when(prepareRequest({ preparation: 2 }))
      .refuses('stage-not-due');
  });
});

const INSTALL: NonNullable<Prepared['installCommand']> = {
  run: 'npm ci --ignore-scripts',
  inputs: ['package-lock.json', 'package.json'],
  outputs: ['node_modules'],
  hosts: ['registry.npmjs.org'],
  fromChangedInputs: false,
};

describe('The digest of the intent gate', () => {
  const shown = {
    taskId: TASK_ID,
    attempt: 1,
    preparation: 1,
    prepared: prepared(),
    intent: INTENT,
    clarifications: [],
    feedback: null,
  };

  const changes: { readonly [Key in Exclude<keyof Prepared, 'policy'>]-?: Partial<Prepared> | null } = {
    repo: { repo: 'acme/other' },
    remote: { remote: 'https://example.test/other.git' },
    base: { base: 'next' },
    baseCommit: { baseCommit: objectId('moved') },
    startTree: { startTree: objectId('another start') },
    startFrom: { startFrom: 'last_attempt' },
    agent: { agent: { name: 'codex', model: 'another', isolation: 'bubblewrap', profile: 'e'.repeat(64) } },
    testCommand: { testCommand: 'true' },
    image: { image: { kind: 'docker', reference: 'node:24', id: 'sha256:other' } },
    policyDigest: { policy: { ...defaultPolicy, patchGate: 'never' } },
    limits: { limits: { ...DEFAULT_LIMITS, sandboxProcesses: 1 } },
    installCommand: { installCommand: INSTALL },
    path: { path: 'packages/api' },
    // Always null so far; it is in the digest for the day it is not.
    planDigest: null,
  };

  it.each(Object.entries(changes).filter(([, change]) => change !== null))('changes with %s', (_, change) => {
    expect(intentGateDigest({ ...shown, prepared: prepared(change ?? {}) })).not.toBe(INTENT_DIGEST);
  });

  it.each([
    { run: 'npm ci' },
    { inputs: ['package-lock.json'] },
    { outputs: ['node_modules', 'vendor'] },
    { hosts: [] },
    { fromChangedInputs: true },
  ])('changes with %j of what is installed', (change) => {
    const digest = (installCommand: Prepared['installCommand']) =>
      intentGateDigest({ ...shown, prepared: prepared({ installCommand }) });
    expect(digest({ ...INSTALL, ...change })).not.toBe(digest(INSTALL));
  });

  it('is the one of before for a request without packages and folder', () => {
    expect(intentGateDigest(shown)).toBe(INTENT_DIGEST);
    expect(Object.keys(prepared())).not.toContain('path');
  });

  it.each([
    { taskId: TASK_ID.replace('5', '6') },
    { attempt: 2 },
    { preparation: 2 },
    { intent: text('Something else') },
    { clarifications: [text('Only the parser.')] },
    { feedback: text('Try again.') },
  ])('changes with %j', (change) => {
    expect(intentGateDigest({ ...shown, ...change })).not.toBe(INTENT_DIGEST);
  });

  it('can be checked after the texts were erased', () => {
    expect(intentGateDigest({ ...shown, intent: redacted(INTENT) })).toBe(INTENT_DIGEST);
  });
});
