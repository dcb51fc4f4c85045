import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { z } from 'zod';
import type { Configuration } from '../config/configuration.ts';
import { type Environment, readConfiguration } from '../config/operator.ts';
import { TABLE } from '../config/table.ts';
import { visible, visibleJson } from '../visible.ts';
import { type Api, baseOf, createApi } from './api.ts';
import type { Composition } from './composition.ts';
import { Failure } from './failure.ts';
import { readServiceFile } from './service-file.ts';
import type { Terminal } from './terminal.ts';

export interface DeskOptions {
  readonly composition: Composition;
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Options that every command takes. */
  readonly said: { readonly json?: boolean; readonly url?: string; readonly token?: string };
}

/** What a command works with. */
export interface Desk extends DeskOptions {
  readonly json: boolean;
  /** The running service. Throws `Failure` with what to do when none is known. */
  connect(): Promise<Api>;
  /** The service of this data folder, or the one that was named, when it answers. */
  connectIfRunning(): Promise<Api | null>;
  /** The operator's configuration and sentences about what has no effect. Throws `Failure` with every fault. */
  configuration(): Promise<{ readonly configuration: Configuration; readonly notes: readonly string[] }>;
  /** Configuration as it was read, faults and all. */
  reading(): Promise<ReturnType<typeof readConfiguration>>;
  /** Prints what came of a command: the document as one line of JSON, or a page made of it. */
  answer<Shape>(document: unknown, schema: z.ZodType<Shape>, page: (shown: Shape) => readonly string[]): void;
}

const dotenv = (): Promise<string> => readFile('.env', 'utf8').catch(() => '');

/** Parses what the service answered, with everything in it made visible. Throws `Failure`. */
export const shown = <Shape>(document: unknown, schema: z.ZodType<Shape>): Shape => {
  const parsed = schema.safeParse(visible(document));
  if (parsed.success) return parsed.data;
  throw new Failure('The service answered in a form that this version does not know. Use the command line of the same version.');
};

export const createDesk = (options: DeskOptions): Desk => {
  const { terminal, environment, said } = options;
  const json = said.json === true;

  const dataFolder = async (): Promise<string> => {
    const named = environment.DATA_DIR?.trim() || parseEnv(await dotenv()).DATA_DIR?.trim();
    return resolve(named || (TABLE.DATA_DIR.fallback ?? '.'));
  };

  /** What was said on the command line, then in the environment, then by the service itself. */
  const address = async () => {
    const url = said.url ?? environment.COUNTERSIGN_URL;
    const token = said.token ?? environment.COUNTERSIGN_TOKEN;
    if (url !== undefined && token !== undefined) return { url, token };
    // The local admin's token goes to the local service only.
    if (url !== undefined)
      throw new Failure(`${baseOf(url)} was named, but no token for it: set COUNTERSIGN_TOKEN, or give --token.`);
    const local = await readServiceFile(await dataFolder());
    return local && { url: local.url, token: token ?? local.token };
  };

  const connect = async (): Promise<Api> => {
    const known = await address();
    if (known !== null) return createApi(known);
    throw new Failure(
      'No service runs on this data folder. Start one with "countersign serve", or name one with COUNTERSIGN_URL and COUNTERSIGN_TOKEN.',
      'UNREACHABLE',
    );
  };

  const reading = async () => readConfiguration(environment, await dotenv());

  return {
    ...options,
    json,
    connect,
    connectIfRunning: async () => {
      const known = await address();
      if (known === null) return null;
      const api = createApi(known);
      const answers = await api.get('/whoami').catch((error: unknown) => {
        if (error instanceof Failure && error.code === 'UNREACHABLE') return null;
        throw error;
      });
      return answers === null ? null : api;
    },
    reading,
    configuration: async () => {
      const read = await reading();
      if ('faults' in read) throw new Failure(read.faults.join('\n'), 'CONFIGURATION');
      return read;
    },
    answer: (document, schema, page) => terminal.print(...(json ? [visibleJson(document)] : page(shown(document, schema)))),
  };
};

/**
 * Turns what a command does into what commander calls, with the command's arguments, then its options. A number that comes back is the exit
 * code; anything else is 0.
 */
export type Deal = <Arguments extends readonly unknown[]>(
  work: (desk: Desk, ...args: Arguments) => Promise<unknown>,
) => (...args: unknown[]) => Promise<void>;
