import { describe, expect, it, vi } from 'vitest';
import { createOutbox } from '../../src/infra/http/outbox.ts';

describe('An outbox', () => {
  it('hands texts on in their order', async () => {
    const out = createOutbox(1_000, () => undefined);
    void Promise.all(['a', 'b', 'c'].map((text) => out.write(text))).then(out.close);
    expect(await Array.fromAsync(out.readable.pipeThrough(new TextDecoderStream()))).toEqual(['a', 'b', 'c']);
  });

  it('lets a reader go that takes too long, and keeps nothing for it', async () => {
    const gone = vi.fn();
    const out = createOutbox(20, gone);
    await expect(out.write('never read')).rejects.toThrow('too slow');
    expect(gone).toHaveBeenCalledExactlyOnceWith('slow');
    await expect(out.write('more')).rejects.toThrow();
    expect(await out.readable.getReader().read()).toEqual({ done: true, value: undefined });
    out.close();
  });

  it('drops what nobody took when it is closed', async () => {
    const gone = vi.fn();
    const out = createOutbox(1_000, gone);
    const written = out.write('too late');
    out.close();
    out.close();
    await expect(written).rejects.toThrow('over');
    expect(await Array.fromAsync(out.readable)).toEqual([]);
    expect(gone).toHaveBeenCalledOnce();
  });

  it('notices a reader that leaves', async () => {
    const gone = vi.fn();
    const out = createOutbox(1_000, gone);
    const reader = out.readable.getReader();
    const waiting = out.write('one');
    await reader.read();
    await waiting;
    await reader.cancel();
    await vi.waitFor(() => expect(gone).toHaveBeenCalledOnce());
    await expect(out.write('two')).rejects.toThrow();
  });
});
