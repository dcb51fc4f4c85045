import type { ArtifactRef } from '../domain/artifact.ts';
import type { TaskView } from './task-view.ts';

/** What was printed on the way of the latest attempt. Where the tests did not get to run, `tests` is what installing for them printed. */
export const taskLogs = ({
  runResult,
  errorLog,
  stage,
}: Pick<TaskView, 'runResult' | 'errorLog' | 'stage'>): Readonly<Record<'agent' | 'tests', ArtifactRef | null>> => ({
  agent: runResult?.artifacts.agentLog ?? errorLog,
  tests: runResult?.artifacts.testLog ?? (runResult !== null && stage === 'sandbox' ? errorLog : null),
});
