import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { shownPath } from '../../domain/policy/path-name.ts';
import { CountersignFile, OkaydokkiFile, type RepositoryConfig } from '../../domain/repository-config.ts';

/** Where each flavour stands in the tree of the base commit. */
const REPOSITORY_FILES = { countersign: '.countersign.yml', okaydokki: 'okaydokki.yaml' } as const;

export type RepositoryFileFlavour = keyof typeof REPOSITORY_FILES;

/** Most bytes of a repository's file; a larger one is not looked at. */
export const REPOSITORY_FILE_BYTES_MAX = 64 * 1024;

/** Sentences of one file; a hostile file could give thousands. */
const FAULTS_MAX = 20;

const SCHEMAS = { countersign: CountersignFile, okaydokki: OkaydokkiFile } as const;

class FileFault extends Error {
  override readonly name = 'FileFault';
}

const decoded = (bytes: Buffer): string => {
  if (bytes.length > REPOSITORY_FILE_BYTES_MAX) throw new FileFault(`is over ${REPOSITORY_FILE_BYTES_MAX / 1024} KiB`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FileFault('is not valid UTF-8');
  }
};

/** The plain value of one YAML document: no alias, no tag, no second document, no key said twice. */
const plainValue = (text: string): unknown => {
  const documents = parseAllDocuments(text, { version: '1.2', schema: 'core', uniqueKeys: true, stringKeys: true });
  const [document, second] = [...documents];
  if (document === undefined) return null;
  if (second !== undefined) throw new FileFault('holds more than one document; leave one');
  const [complaint] = [...document.errors, ...document.warnings];
  if (complaint !== undefined)
    throw new FileFault(`is not the YAML expected here: ${complaint.message.split('\n')[0]?.replace(/:$/, '')}`);
  return document.toJS({ maxAliasCount: 0 });
};

const parsed = (bytes: Buffer): unknown => {
  const text = decoded(bytes);
  try {
    return plainValue(text);
  } catch (error) {
    if (error instanceof FileFault) throw error;
    if (error instanceof ReferenceError) throw new FileFault('uses an alias (`*name`); write the value out');
    if (error instanceof RangeError) throw new FileFault('is nested too deeply');
    throw error;
  }
};

const sentenceOf = (issue: z.core.$ZodIssue): string => {
  const where = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => `\`${where === '' ? key : `${where}.${key}`}\``).join(', ');
    return `${keys} is not known here; remove it`;
  }
  return where === '' ? 'must hold names with values, such as `test: npm test`' : `\`${where}\`: ${issue.message}`;
};

/** Every fault comes back as a sentence that begins with the name of the file. Nothing in the bytes makes it throw. */
export const parseRepositoryFile = (
  bytes: Buffer,
  flavour: RepositoryFileFlavour,
): { readonly config: RepositoryConfig } | { readonly faults: readonly string[] } => {
  const named = (fault: string): string => `${REPOSITORY_FILES[flavour]}: ${shownPath(fault)}.`;
  try {
    const result = SCHEMAS[flavour].safeParse(parsed(bytes) ?? {});
    if (result.success) return { config: result.data };
    return { faults: result.error.issues.slice(0, FAULTS_MAX).map((issue) => named(sentenceOf(issue))) };
  } catch (error) {
    if (error instanceof FileFault) return { faults: [named(error.message)] };
    throw error;
  }
};
