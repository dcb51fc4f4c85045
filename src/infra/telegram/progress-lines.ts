import { PROGRESS_LINES_MAX } from './progress-card.ts';

/** Tasks whose last words are remembered; more of them never run at once. */
const TASKS_MAX = 1_000;

/** What the agent and the tests of each task said last. Lost with the process: it is progress, not evidence. */
export const createProgressLines = () => {
  const said = new Map<string, readonly string[]>();
  return {
    /** `stream` is that of the task. */
    hear: (stream: string, line: string): void => {
      const before = said.get(stream) ?? [];
      said.delete(stream);
      said.set(stream, [...before, line].slice(-PROGRESS_LINES_MAX));
      const [oldest] = said.keys();
      if (said.size > TASKS_MAX && oldest !== undefined) said.delete(oldest);
    },
    of: (stream: string): readonly string[] => said.get(stream) ?? [],
    forget: (stream: string): void => {
      said.delete(stream);
    },
  };
};

export type ProgressLines = ReturnType<typeof createProgressLines>;
