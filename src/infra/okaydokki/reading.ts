import type { z } from 'zod';

/** Where a record stands: a row of the table `tasks`, or a line of the audit, from 1. */
export interface Place {
  readonly file: 'database' | 'audit';
  readonly number: number;
}

/** One record of a file: good, not to be brought in, or with a sentence for each fault that never repeats what stands there. */
export type Read<Document> = Place &
  ({ readonly record: Document } | { readonly faults: readonly string[] } | { readonly passedOver: true });

/** Most records of one file. */
export const RECORDS_MAX = 1_000_000;

/** A file as a whole is not what was named. The sentence says what to do. */
export class NotReadable extends Error {
  override readonly name = 'NotReadable';
}

export const faultsOf = ({ issues }: z.ZodError): readonly string[] =>
  issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')} ${message}`));

export const tooMany = (what: string): NotReadable =>
  new NotReadable(`There are more than ${RECORDS_MAX} ${what}. Bring in the newer part of them, from a copy.`);
