/** Callers that wait for something to become so. */
export const createWaiters = () => {
  const waiting = new Set<() => void>();
  return {
    /** Something may have become so. */
    check: (): void => {
      for (const check of [...waiting]) check();
    },
    /** Whether it is so now or becomes so within `timeoutMs`. */
    until: (isSo: () => boolean, timeoutMs: number): Promise<boolean> =>
      new Promise((resolve) => {
        const settle = (answer: boolean): void => {
          clearTimeout(timer);
          waiting.delete(check);
          resolve(answer);
        };
        const check = (): void => {
          if (isSo()) settle(true);
        };
        const timer = setTimeout(settle, timeoutMs, false);
        waiting.add(check);
        check();
      }),
  };
};
