import { randomBytes } from 'node:crypto';

/** A new bearer token: 32 random bytes behind a prefix that secret scanners know. Only its SHA-256 is stored. */
export const newToken = (): string => `cst_${randomBytes(32).toString('base64url')}`;
