import '../chaos/staging/stage.ts';
import { renameSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { z } from 'zod';
import { edited } from '../chaos/staging/edits.ts';
import { editsOf } from './edits.ts';
import type { Reading } from './reading.ts';

/**
 * Loaded with the staging of the laboratory, which shortens what is waited out: edits.ts says what is changed besides, and the service says now and
 * then how it is. Nothing of this stands in the product.
 */
const { SOAK_BEGAN_MS, SOAK_SPEED, SOAK_READ_MS, SOAK_METER } = z
  .object({
    SOAK_BEGAN_MS: z.coerce.number(),
    SOAK_SPEED: z.coerce.number(),
    SOAK_READ_MS: z.coerce.number(),
    SOAK_METER: z.string(),
  })
  .parse(process.env);

const edits = editsOf({ beganMs: SOAK_BEGAN_MS, speed: SOAK_SPEED });

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!url.includes('/src/') || url.includes('?') || typeof loaded.source !== 'string') return loaded;
    return { ...loaded, source: edited(fileURLToPath(url), loaded.source, edits) };
  },
});

const readRegularly = (file: string): void => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // It is there with that flag.
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  setInterval(() => {
    const [stallMs, lateMs] = [delay.max / 1e6, delay.percentile(99) / 1e6];
    collect();
    const reading: Reading = { heapBytes: process.memoryUsage().heapUsed, stallMs, lateMs };
    writeFileSync(`${file}.new`, JSON.stringify(reading));
    renameSync(`${file}.new`, file);
    delay.reset();
  }, SOAK_READ_MS).unref();
};

if (isMainThread) readRegularly(SOAK_METER);
