import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Logged } from './records.ts';

export const digestOf = (value: unknown): string => hash('sha256', canonicalize(value) ?? '');

const isText = (value: object): boolean => {
  const names = Object.keys(value).sort().join();
  return names === 'salt,text' || names === 'digest';
};

/** As docs/architecture.md says it: each text is hashed by itself. */
const withDigests = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withDigests);
  if (value === null || typeof value !== 'object') return value;
  if (isText(value)) return 'digest' in value ? value.digest : digestOf(value);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withDigests(member)]));
};

/** Streams of facts; those of cards, workers and the store itself hold none. */
export const CHAINED = /^(task|person|chat|history)-/;

/** Streams are whole, chained, and hold nothing twice. */
export const brokenChains = (log: readonly Logged[]): readonly string[] => {
  const faults: string[] = [];
  const last = new Map<string, { readonly revision: number; readonly hash: string }>();
  const ids = new Map<string, string>();
  for (const { stream, revision, id, type, data, metadata } of log) {
    const at = `${stream}@${revision} ${type}`;
    const before = last.get(stream) ?? { revision: -1, hash: '' };
    const isPruned = stream.startsWith('worker-');
    if (!isPruned && revision !== before.revision + 1) faults.push(`${at}: follows revision ${before.revision}`);
    const known = ids.get(id);
    if (known !== undefined) faults.push(`${at}: has the id of ${known}`);
    ids.set(id, at);
    const { hash: sealed = '', ...others } = metadata;
    last.set(stream, { revision, hash: sealed });
    if (!CHAINED.test(stream)) continue;
    if (metadata.prevHash !== before.hash) faults.push(`${at}: is not chained to the event before`);
    if (sealed !== digestOf({ stream, revision, id, type, metadata: others, dataHash: digestOf(withDigests(data)) })) {
      faults.push(`${at}: its hash does not hold`);
    }
  }
  return faults;
};
