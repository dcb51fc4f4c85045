import { z } from 'zod';
import { Digest } from '../canonical.ts';
import { ObjectId, RepositoryName } from '../ids.ts';
import { InstallStep } from '../install-step.ts';
import { Limits } from '../limits.ts';
import { Policy } from '../policy/shapes.ts';

export const Stage = z.enum(['agent', 'sandbox', 'delivery', 'bookkeeping']);
export type Stage = z.infer<typeof Stage>;

export const ClarifyReason = z.enum([
  'SNAPSHOT_MISSING',
  'RUNTIME_CONFIG_MISSING',
  'BASE_MISSING',
  'REMOTE_UNREACHABLE',
  'QUESTION',
]);
export type ClarifyReason = z.infer<typeof ClarifyReason>;

export const Agent = z.object({
  name: z.string(),
  model: z.string(),
  isolation: z.enum(['bubblewrap', 'none']),
  /** Covers everything else the operator says about the agent: its command, login, keys, variables, and the hosts it may reach. */
  profile: Digest,
});
export type Agent = z.infer<typeof Agent>;

export const Image = z.object({ kind: z.enum(['docker', 'bubblewrap']), reference: z.string(), id: z.string() });
export type Image = z.infer<typeof Image>;

/** Everything the stages will use, fixed when the request was prepared; what the intent gate shows. */
export const Prepared = z.object({
  repo: RepositoryName,
  remote: z.string(),
  base: z.string(),
  baseCommit: ObjectId,
  startTree: ObjectId,
  /** Whether the agent starts from the base, from the last attempt's tree merged onto it, or from the base after a conflict. */
  startFrom: z.enum(['base', 'last_attempt', 'base_after_conflict']),
  agent: Agent,
  testCommand: z.string().min(1),
  /** More than its name says: also what the command reads, makes and may reach. */
  installCommand: InstallStep.nullable(),
  /** Folder in which the test command runs; absent: the root. */
  path: z.string().min(1).optional(),
  image: Image,
  policy: Policy,
  policyDigest: Digest,
  limits: Limits,
  planDigest: z.null(),
});
export type Prepared = z.infer<typeof Prepared>;

/** What fences an outcome: a later claim of the same stage overtakes it. */
export const Fence = z.object({ attempt: z.int().min(1), stage: Stage, execution: z.int().min(1) });
export type Fence = z.infer<typeof Fence>;
