import { defineConfig } from 'vitest/config';

/** `spec` is pure and instant; `test` touches disk, network, Docker and child processes. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'spec', include: ['test/**/*.spec.ts'] } },
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
