import { digestOf, sha256 } from '../../../src/domain/canonical.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/limits.ts';
import { defaultPolicy, policyDigest } from '../../../src/domain/policy/policy.ts';
import { type PolicyReport, type StoredPolicyReport, storedReport } from '../../../src/domain/policy/shapes.ts';
import type { Prepared } from '../../../src/domain/task/shapes.ts';
import type { Text } from '../../../src/domain/text.ts';

export const TASK_ID = '5f0c7a52-9d31-5c1e-8a44-0b1c2d3e4f50';
export const ANNA = 'person-11111111-1111-4111-8111-111111111111';
export const BERT = 'person-22222222-2222-4222-8222-222222222222';
export const WORKER = 'worker-one';
export const SYSTEM = `system:${WORKER}`;

export const NOON = '2026-11-21T12:00:00.000Z';
export const TOMORROW = '2026-11-22T12:00:00.000Z';
export const minutesAfter = (minutes: number, from = NOON): string =>
  minutes === 0 ? from : new Date(Date.parse(from) + minutes * 60_000).toISOString();

/** A made-up object, digest or id for a name: the same for the same name. */
export const objectId = (name: string): string => sha256(name).slice(0, 40);
export const uuid = (name: string): string => {
  const hex = sha256(name);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
export const text = (words: string): Text => ({ text: words, salt: 'salt' });
export const artifact = (name: string) => ({ digest: sha256(name), bytes: name.length });

export const BASE_COMMIT = objectId('base commit');
export const RESULT_TREE = objectId('result tree');
export const COMMIT = objectId('delivered commit');

export const prepared = (over: Partial<Prepared> = {}): Prepared => {
  const policy = over.policy ?? defaultPolicy;
  return {
    repo: 'acme/shop',
    remote: 'https://example.test/acme/shop.git',
    base: 'main',
    baseCommit: BASE_COMMIT,
    startTree: objectId('base tree'),
    startFrom: 'base',
    agent: { name: 'codex', model: 'some-model', isolation: 'bubblewrap', profile: 'e'.repeat(64) },
    testCommand: 'npm test',
    installCommand: null,
    image: { kind: 'docker', reference: 'node:24', id: `sha256:${sha256('image')}` },
    policy,
    policyDigest: policyDigest(policy),
    limits: DEFAULT_LIMITS,
    planDigest: null,
    ...over,
  };
};

const CLEAN: PolicyReport = {
  policyDigest: policyDigest(defaultPolicy),
  verdict: 'pass',
  violations: [],
  warnings: [],
  omitted: 0,
  files: 1,
  insertions: 2,
  deletions: 1,
  patchBytes: 300,
};

/** A report as events hold it, from one as policy makes it. */
export const report = (over: Partial<PolicyReport> = {}): StoredPolicyReport => storedReport({ ...CLEAN, ...over }, text);

export const WARNED = report({
  verdict: 'warn',
  warnings: [{ rule: 'dependency_manifest', path: 'package.json', sentence: 'package.json lists dependencies.' }],
});

export const VIOLATED = report({
  verdict: 'violation',
  violations: [{ rule: 'blocked_path', path: '.env', sentence: '.env is blocked.' }],
});

/** The digest of a command's body, as a surface makes it. */
export const bodyDigest = (body: unknown): Text => text(digestOf(body));
