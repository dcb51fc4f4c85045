import { hash } from 'node:crypto';
import { z } from 'zod';

/** Namespace of every UUIDv5 made here. Fixed for ever: ids of stored events derive from it. */
const NAMESPACE = Buffer.from('6f0a5b1c8b5e5d0e9c1f0d2b7a4c9e31', 'hex');

export const Uuid = z.uuid();

/**
 * The same id for the same parts, on every machine: a UUIDv5 (RFC 9562), at a third of what the library `uuid` needs for it. Parts are joined by
 * a separator that no part may hold.
 */
export const derivedId = (...parts: readonly (string | number)[]): string => {
  const digits = hash('sha1', Buffer.concat([NAMESPACE, Buffer.from(parts.join('\u001f'))]));
  const variant = '89ab'.charAt(Number.parseInt(digits.charAt(16), 16) % 4);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-5${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
};

export const PersonId = z.string().regex(/^person-[0-9a-f-]{36}$/);
export type PersonId = z.infer<typeof PersonId>;

/** A git object id of a repository in SHA-1 or SHA-256 format. */
export const ObjectId = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
export type ObjectId = z.infer<typeof ObjectId>;

/**
 * `org/name` or `name`, ASCII, no segment that begins with a dot or a dash. Never a path: it is looked up among the configured
 * repositories only.
 */
export const RepositoryName = z
  .string()
  .max(140)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)?$/, {
    error: 'must be "name" or "org/name" in letters, digits, dot, dash and underscore',
  });
export type RepositoryName = z.infer<typeof RepositoryName>;

/** A branch name that git accepts (`git check-ref-format --branch`) and that cannot be read as an option or a refspec. */
export const BranchName = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (name) =>
      /^[A-Za-z0-9_][A-Za-z0-9._/+@#%=,-]*$/.test(name) &&
      !/(\.\.|\/\/|@\{|\.$|\/$|\.lock($|\/)|\/[.-])/.test(name) &&
      name !== '@' &&
      name !== 'HEAD',
    { error: 'must be a plain branch name, for example "main" or "release/2.1"' },
  );
export type BranchName = z.infer<typeof BranchName>;

/** The stream of a task is `task-<uuid>`. */
export const taskStream = (taskId: string): string => `task-${taskId}`;

/** Known from the creation of the task: `countersign/` and the first 12 hexadecimal digits of its id. */
export const taskBranch = (taskId: string, suffix?: number): string =>
  `countersign/${taskId.replaceAll('-', '').slice(0, 12)}${suffix === undefined ? '' : `-${suffix}`}`;
