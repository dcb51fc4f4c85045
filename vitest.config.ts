import { defineConfig } from 'vitest/config';
import Sequencer from './test/support/sequencer.ts';

/** `spec` is pure and instant; `test` touches disk, network, Docker and child processes. They share the workers, so both need the same number: that of the processors CI has. */
export default defineConfig({
  test: {
    sequence: { sequencer: Sequencer },
    projects: [
      { test: { name: 'spec', include: ['test/**/*.spec.ts'], pool: 'forks', maxWorkers: 2 } },
      {
        test: {
          name: 'test',
          include: ['test/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
