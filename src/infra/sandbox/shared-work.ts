interface Asked {
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

interface UnderWay {
  readonly abort: AbortController;
  readonly listeners: Set<Asked['onProgress']>;
  readonly result: Promise<void>;
  waiting: number;
}

/**
 * Runs `work` once for all who ask for the same key while it runs; each hears its progress, and a failure is everybody's. Who is aborted
 * leaves at once; when the last one has left, the work is aborted, and that one waits for its end.
 */
export const createSharedWork = <Request extends Asked>(
  work: (key: string, request: Request) => Promise<void>,
): ((key: string, request: Request) => Promise<void>) => {
  const underWay = new Map<string, UnderWay>();

  const begin = (key: string, request: Request): UnderWay => {
    const abort = new AbortController();
    const listeners = new Set<Asked['onProgress']>();
    const onProgress = (line: string): void => {
      for (const listener of listeners) listener(line);
    };
    const result = work(key, { ...request, signal: abort.signal, onProgress }).finally(() => underWay.delete(key));
    result.catch(() => undefined); // Everybody may have left.
    const begun = { abort, listeners, result, waiting: 0 };
    underWay.set(key, begun);
    return begun;
  };

  return async (key, request) => {
    const { signal, onProgress } = request;
    const current = underWay.get(key);
    if (current?.abort.signal.aborted === true) await current.result.catch(() => undefined);
    signal.throwIfAborted();
    const shared = underWay.get(key) ?? begin(key, request);
    shared.waiting += 1;
    shared.listeners.add(onProgress);
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([shared.result, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
      shared.listeners.delete(onProgress);
      shared.waiting -= 1;
      if (shared.waiting === 0) {
        shared.abort.abort(signal.reason);
        await shared.result.catch(() => undefined);
      }
    }
  };
};
