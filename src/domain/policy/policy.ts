import { type Digest, digestOf } from '../canonical.ts';
import type { GateMode, Policy } from './shapes.ts';

/** What holds when the operator says nothing else. */
export const defaultPolicy: Policy = {
  blockedPaths: [
    '.github/workflows/**',
    '.git/**',
    '.gitmodules',
    '.env*',
    '**/*.pem',
    '**/*.key',
    'id_rsa*',
    '**/secrets/**',
    '.npmrc',
    '.pypirc',
    '.netrc',
    'CODEOWNERS',
  ],
  binaryFiles: 'block',
  filesMax: 50,
  changedLinesMax: 2_000,
  patchBytesMax: 1024 * 1024,
  patchGate: 'risky',
  weakSandbox: 'allow',
};

/** What a repository asks for: any part of a policy. */
export type PolicyWish = { readonly [Key in keyof Policy]?: Readonly<Policy[Key]> | undefined };

const GATES_BY_STRICTNESS: readonly GateMode[] = ['never', 'risky', 'always'];

const stricterGate = (one: GateMode, other: GateMode): GateMode =>
  GATES_BY_STRICTNESS.indexOf(one) >= GATES_BY_STRICTNESS.indexOf(other) ? one : other;

/** Point for point the stricter of both: a wish that would loosen changes nothing. */
export const narrow = (policy: Policy, wish: PolicyWish): Policy => ({
  blockedPaths: [...new Set([...policy.blockedPaths, ...(wish.blockedPaths ?? [])])],
  binaryFiles: wish.binaryFiles === 'block' ? 'block' : policy.binaryFiles,
  filesMax: Math.min(policy.filesMax, wish.filesMax ?? Number.POSITIVE_INFINITY),
  changedLinesMax: Math.min(policy.changedLinesMax, wish.changedLinesMax ?? Number.POSITIVE_INFINITY),
  patchBytesMax: Math.min(policy.patchBytesMax, wish.patchBytesMax ?? Number.POSITIVE_INFINITY),
  patchGate: stricterGate(policy.patchGate, wish.patchGate ?? 'never'),
  weakSandbox: wish.weakSandbox === 'refuse' ? 'refuse' : policy.weakSandbox,
});

/** Names the rules in force; the order of blocked paths does not matter. */
export const policyDigest = (policy: Policy): Digest => digestOf({ ...policy, blockedPaths: [...policy.blockedPaths].sort() });
