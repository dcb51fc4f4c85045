import { readFileSync, statSync } from 'node:fs';

/** A login file is small; a larger file is no login. */
const LOGIN_BYTES_MAX = 256 * 1024;

/** What tokens and keys look like inside of whatever format a CLI keeps them in. */
const CREDENTIAL = /[A-Za-z0-9_+-][A-Za-z0-9_.+=-]{23,}/g;

const credentialsIn = (path: string): readonly string[] => {
  try {
    if (statSync(path).size > LOGIN_BYTES_MAX) return [];
    return readFileSync(path, 'utf8').match(CREDENTIAL) ?? [];
  } catch {
    // Not there, or a folder: then there is nothing that could be told by this file.
    return [];
  }
};

/** The credentials in an agent's login files: the agent may use them, and must not write them into a change. Read anew, for logins are renewed. */
export const loginSecrets = (loginPaths: readonly string[]): readonly string[] => [...new Set(loginPaths.flatMap(credentialsIn))];
