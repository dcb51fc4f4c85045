import { defineConfig } from 'vitest/config';
import Sequencer from './test/support/sequencer.ts';

/** For both projects, or vitest refuses them. On two processors three take an eighth less, but what waits for a moment then waits in vain at times. */
const maxWorkers = 2;

/** `spec` is pure and instant; `test` touches disk, network, Docker and child processes. */
export default defineConfig({
  test: {
    sequence: { sequencer: Sequencer },
    projects: [
      { test: { name: 'spec', include: ['test/**/*.spec.ts'], pool: 'forks', maxWorkers } },
      {
        test: {
          name: 'test',
          include: ['test/**/*.test.ts'],
          pool: 'forks',
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
