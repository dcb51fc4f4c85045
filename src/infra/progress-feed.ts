import type { ProgressFeed } from './http/context.ts';

/** What running stages say, handed to whoever listens now and to nobody else. */
export const createProgressFeed = (): ProgressFeed & { tell(stream: string, line: string): void } => {
  const listeners = new Set<(stream: string, line: string) => void>();
  return {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (stream, line) => {
      for (const listener of listeners) listener(stream, line);
    },
  };
};
