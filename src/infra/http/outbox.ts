export interface Outbox {
  /** What the reader gets. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Resolves when the reader took it. Rejects when the reader is gone, or was let go. */
  write(text: string): Promise<void>;
  /** Ends the stream after what was written; never rejects. */
  close(): Promise<void>;
}

/**
 * Texts for one reader, in the order they were written, none kept for a reader that does not take it: one that leaves a text waiting for
 * longer than `writeMs` is let go. `onGone` is called once, when the reader is gone for whatever reason.
 */
export const createOutbox = (writeMs: number, onGone: () => void): Outbox => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  writer.closed.then(onGone, onGone);
  return {
    readable,
    write: async (text) => {
      const tooSlow = setTimeout(() => {
        writer.abort(new Error('the reader is too slow')).catch(() => undefined);
      }, writeMs);
      try {
        await writer.write(encoder.encode(text));
      } finally {
        clearTimeout(tooSlow);
      }
    },
    close: () => writer.close().catch(() => undefined),
  };
};
