import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SERVICE_FILE, type ServiceFile } from './composition.ts';

const Schema = z.object({ url: z.url(), token: z.string().min(1), pid: z.int().min(1) });

/** What a running service left in its data folder. `null`: nothing, or nothing that can be read. */
export const readServiceFile = async (dataFolder: string): Promise<ServiceFile | null> => {
  const text = await readFile(join(dataFolder, SERVICE_FILE), 'utf8').catch(() => '');
  try {
    return Schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};
