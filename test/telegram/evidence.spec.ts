import { describe, expect, it } from 'vitest';
import type { Artifacts } from '../../src/commands/ports/artifacts.ts';
import { logWords } from '../../src/infra/telegram/evidence.ts';
import * as events from '../domain/task/events.ts';
import { artifact } from '../domain/task/samples.ts';
import { viewOf } from './tasks.ts';

const INSTALL_LOG = artifact('log of the install');
const artifacts: Artifacts = {
  put: () => Promise.reject(new Error('nothing is stored')),
  get: async ({ digest: wanted }) => Buffer.from(wanted === INSTALL_LOG.digest ? 'npm error 404' : 'said the agent'),
};

describe('The logs of a task whose packages could not be installed', () => {
  const task = viewOf(...events.untilSandbox, events.taskFailed({ stage: 'sandbox', log: INSTALL_LOG }));

  it('are what the agent printed, and what installing for the tests printed', async () => {
    const said = (await logWords(artifacts, task, null)).map(({ text }) => text.html);
    expect(said).toEqual([expect.stringContaining('said the agent'), expect.stringContaining('npm error 404')]);
    const [tests, ...others] = await logWords(artifacts, task, 'tests');
    expect(tests?.text.html).toMatch(/Log of the tests.*npm error 404/s);
    expect(others).toEqual([]);
  });
});
