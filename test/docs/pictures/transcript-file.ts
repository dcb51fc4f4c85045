import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Transcript } from '../../support/telegram/index.ts';

/** Bytes of files as base64; everything else of a transcript is JSON already. */
const isBytes = z.object({ base64: z.base64() });

/** Writes a transcript as JSON. */
export const writeTranscript = (file: string, transcript: Transcript): Promise<void> =>
  writeFile(
    file,
    JSON.stringify(
      transcript,
      function (this: Readonly<Record<string, unknown>>, key, value: unknown) {
        // A Buffer has become a list of numbers before it comes here as the value.
        const own = this[key];
        return Buffer.isBuffer(own) ? { base64: own.toString('base64') } : value;
      },
      2,
    ),
  );

/** Reads what `writeTranscript` wrote. */
export const readTranscript = async (file: string): Promise<Transcript> =>
  JSON.parse(await readFile(file, 'utf8'), (_, value: unknown) => {
    const bytes = isBytes.safeParse(value);
    return bytes.success ? Buffer.from(bytes.data.base64, 'base64') : value;
  });
