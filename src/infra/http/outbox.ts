export interface Outbox {
  /** What the reader gets. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Resolves when the reader took it. Rejects when the reader is gone, or was let go. */
  write(text: string): Promise<void>;
  /** Ends the stream; what nobody took yet is dropped. Safe to call twice. */
  close(): void;
}

/** `slow`: it left a text waiting for too long. */
export type Gone = 'slow' | 'left' | 'closed';

/** A text that nobody took yet. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly taken: PromiseWithResolvers<void>;
  readonly timer: NodeJS.Timeout;
}

const SENTENCES: Readonly<Record<Gone, string>> = {
  slow: 'the reader is too slow',
  left: 'the reader is gone',
  closed: 'the stream is over',
};

/**
 * Texts for one reader, in the order they were written. A reader that leaves one waiting for longer than `writeMs` is let go: nothing piles up
 * for it; whoever is told ends its connection, which nothing else would. `onGone` is called once, when nobody reads any more. (A
 * `TransformStream` cannot: what was handed to it and not taken cannot be called back.)
 */
export const createOutbox = (writeMs: number, onGone: (why: Gone) => void): Outbox => {
  const encoder = new TextEncoder();
  const waiting: Waiting[] = [];
  let reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isHungry = false;
  let ended: Error | undefined;

  const end = (why: Gone): void => {
    if (ended) return;
    ended = new Error(SENTENCES[why]);
    for (const { taken, timer } of waiting.splice(0)) {
      clearTimeout(timer);
      taken.reject(ended);
    }
    onGone(why);
  };

  const hand = (): void => {
    const next = isHungry ? waiting.shift() : undefined;
    if (!next) return;
    isHungry = false;
    clearTimeout(next.timer);
    reader?.enqueue(next.bytes);
    next.taken.resolve();
  };

  const finish = (why: Gone): void => {
    if (ended) return;
    reader?.close();
    end(why);
  };

  const readable = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        reader = controller;
      },
      pull: () => {
        isHungry = true;
        hand();
      },
      cancel: () => end('left'),
    },
    { highWaterMark: 0 },
  );

  return {
    readable,
    write: (text) => {
      if (ended) return Promise.reject(ended);
      const taken = Promise.withResolvers<void>();
      waiting.push({ bytes: encoder.encode(text), taken, timer: setTimeout(() => finish('slow'), writeMs) });
      hand();
      return taken.promise;
    },
    close: () => finish('closed'),
  };
};
