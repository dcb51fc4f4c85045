import { describe, expect, it } from 'vitest';
import { INTENT_CHARACTERS_MAX } from '../../../src/domain/limits.ts';
import { taskKind as task } from '../../../src/domain/task/index.ts';
import { folded, given } from '../given.ts';
import { createTask } from './commands.ts';
import { taskCreated, untilCompleted } from './events.ts';
import { ANNA, bodyDigest, text } from './samples.ts';

const accepts = (over: object): boolean => task.commands.CreateTask?.safeParse(createTask(over).data).success ?? false;

describe('Asking for a change', () => {
  it('creates a task whose branch is known at once', () => {
    given(task).when(createTask()).yields(taskCreated());
    expect(taskCreated().data).toMatchObject({ branch: 'countersign/5f0c7a529d31' });
  });

  it('keeps who asked, and waits for the service to look at the repository', () => {
    expect(folded(task, taskCreated())).toMatchObject({ status: 'CREATED', requestedBy: ANNA, attempt: 1 });
    expect(task.nextStep(folded(task, taskCreated()))).toEqual({ kind: 'prepare', key: 'prepare-1-1' });
  });

  it('finds its task when it arrives again, however far that is by then', () => {
    given(task, taskCreated()).when(createTask()).yields();
    given(task, untilCompleted).when(createTask()).yields();
  });

  it('is refused when the same key comes with another body', () => {
    const other = createTask({ commandDigest: bodyDigest('another request') });
    given(task, taskCreated()).when(other).refuses('key-used-for-another-request');
  });

  it('finds its task when the digest of its body was erased', () => {
    given(task, taskCreated({ commandDigest: { digest: 'a'.repeat(64) } }))
      .when(createTask())
      .yields();
  });

  it('is malformed without words, or with more than a person reads', () => {
    expect(accepts({ intent: text(' \n') })).toBe(false);
    expect(accepts({ intent: text('x'.repeat(INTENT_CHARACTERS_MAX)) })).toBe(true);
    expect(accepts({ intent: text('x'.repeat(INTENT_CHARACTERS_MAX + 1)) })).toBe(false);
  });

  it.each(['--upload-pack=touch /tmp/x', '-x', 'a..b', 'a b', 'refs/heads/x.lock', '', 'HEAD', 'a\u0000b'])(
    'is malformed for the base branch %j',
    (base) => {
      expect(accepts({ base })).toBe(false);
    },
  );

  it.each(['.', '..', '-x', 'a/../../b', 'a/..', '/etc', 'a//b', 'a\u0000', 'a/b/c', ''])(
    'is malformed for the repository %j',
    (repo) => {
      expect(accepts({ repo })).toBe(false);
    },
  );

  it('is malformed for an agent that could be read as an option, and for an endless command', () => {
    expect(accepts({ agent: '--dangerous' })).toBe(false);
    expect(accepts({ testCommand: text('x'.repeat(1_001)) })).toBe(false);
  });

  it('mends half a surrogate pair in its words, for it could not be hashed', () => {
    given(task)
      .when(createTask({ intent: text('Fix \ud83d it') }))
      .yields(taskCreated({ intent: text('Fix \ufffd it') }));
  });
});

describe('A task that does not exist', () => {
  it('refuses everything else', () => {
    for (const type of Object.keys(task.commands).filter((name) => name !== 'CreateTask')) {
      expect(() => task.decide({ ...createTask(), type }, task.initialState)).toThrow('There is no such task');
    }
  });
});
