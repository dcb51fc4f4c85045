import { access, constants, statfs } from 'node:fs/promises';
import type { Artifacts } from '../commands/ports/artifacts.ts';
import { OutsideFailure } from '../commands/ports/repositories.ts';
import { ImageMissing, type Sandboxes } from '../commands/ports/sandbox.ts';
import { type EventStore, StoreDenied, StoreUnavailable } from '../domain/event-store.ts';
import type { AgentRunner } from './agent/agents.ts';
import type { Configuration } from './config/configuration.ts';
import type { Probed } from './forge/check.ts';
import type { GitRepositories } from './git/repositories.ts';
import { FOREIGN_AUDIT, isForeignAudit } from './okaydokki/foreign-audit.ts';
import { probeBubblewrap, probeDocker } from './sandbox/probe.ts';
import type { ParkedStream } from './views/parked.ts';

/** One thing that was asked for real, and what to do about it. */
export interface Check {
  readonly name: string;
  readonly status: 'pass' | 'warn' | 'fail';
  readonly sentence: string;
}

export interface Checked {
  readonly configuration: Configuration;
  readonly store: EventStore;
  readonly artifacts: Artifacts;
  readonly agents: AgentRunner;
  readonly sandboxes: Sandboxes;
  readonly forge: Probed;
  readonly repositories: GitRepositories;
  readonly telegram: () => Promise<readonly Check[]>;
}

/** Less free space than this is a warning; less than a twentieth of it, a failure. In bytes. */
const FREE_BYTES_MIN = 2 * 1024 ** 3;
/** Repositories whose remotes are asked; more would make a health call slow. */
const REMOTES_ASKED_MAX = 5;
/** Longest a single component may take to answer, in milliseconds. */
const ANSWER_MS = 20_000;

const inTime = async (name: string, ask: () => Promise<readonly Check[]>): Promise<readonly Check[]> => {
  const { promise: silent, resolve } = Promise.withResolvers<readonly Check[]>();
  const timer = setTimeout(
    () => resolve([{ name, status: 'fail', sentence: `${name} did not answer within ${ANSWER_MS / 1000} s.` }]),
    ANSWER_MS,
  );
  try {
    return await Promise.race([ask(), silent]);
  } catch (error) {
    const known = error instanceof OutsideFailure || error instanceof ImageMissing;
    return [
      { name, status: 'fail', sentence: known ? error.message : `${name} could not be asked; the service’s log says more.` },
    ];
  } finally {
    clearTimeout(timer);
  }
};

const storeChecks = async ({ store }: Checked): Promise<Check[]> => {
  const name = 'event store';
  try {
    await store.probe();
    await store.head(); // Who may write streams may not be allowed to read all of them.
  } catch (error) {
    if (!(error instanceof StoreUnavailable || error instanceof StoreDenied)) throw error;
    return [{ name, status: 'fail', sentence: error.message }];
  }
  return [{ name, status: 'pass', sentence: 'The event store takes events and gives them.' }];
};

/** Of a folder the disk is looked at; a store elsewhere is really written and read, always the same nothing. */
const artifactChecks = async ({ configuration: { artifactStore }, artifacts }: Checked): Promise<Check[]> => {
  if (artifactStore === null) return [];
  await artifacts.get(await artifacts.put(Buffer.alloc(0)));
  return [{ name: 'artifacts', status: 'pass', sentence: 'The artifact store takes and gives artifacts.' }];
};

const diskChecks = async ({ configuration: { dataFolder } }: Checked): Promise<Check[]> => {
  const name = 'disk';
  try {
    await access(dataFolder, constants.W_OK);
  } catch {
    return [{ name, status: 'fail', sentence: 'The data folder cannot be written. Set DATA_DIR to one that can.' }];
  }
  const { bavail, bsize } = await statfs(dataFolder);
  const free = bavail * bsize;
  const shown = `${(free / 1024 ** 3).toFixed(1)} GiB are free under the data folder`;
  if (free >= FREE_BYTES_MIN) return [{ name, status: 'pass', sentence: `${shown}.` }];
  return [{ name, status: free < FREE_BYTES_MIN / 20 ? 'fail' : 'warn', sentence: `Only ${shown}. Free some space.` }];
};

const auditChecks = async ({ configuration: { auditFile } }: Checked): Promise<Check[]> =>
  (await isForeignAudit(auditFile)) ? [{ name: 'audit', status: 'fail', sentence: FOREIGN_AUDIT }] : [];

const sandboxChecks = async ({ sandboxes, configuration }: Checked): Promise<Check[]> => {
  const { dockerSocket } = configuration.sandbox;
  const probed =
    sandboxes.kind === 'docker'
      ? await probeDocker(dockerSocket === null ? {} : { socketPath: dockerSocket })
      : await probeBubblewrap();
  const name = `sandbox (${sandboxes.kind})`;
  const warnings = probed.warnings.map((sentence): Check => ({ name, status: 'warn', sentence }));
  return [{ name, status: probed.ok ? 'pass' : 'fail', sentence: probed.sentence }, ...warnings];
};

const imageChecks = async ({ sandboxes, configuration }: Checked): Promise<Check[]> => {
  const { image } = configuration.operator;
  const name = 'sandbox image';
  if (image === null) return [{ name, status: 'warn', sentence: 'No default image: each repository must name one.' }];
  const { reference, id } = await sandboxes.resolveImage(image);
  return [
    {
      name,
      status: 'pass',
      sentence: sandboxes.kind === 'docker' ? `${reference} is here as ${id.slice(0, 19)}.` : 'The machine’s own system is used.',
    },
  ];
};

const agentChecks = async ({ agents }: Checked): Promise<Check[]> => {
  const all: Check[] = [];
  for (const { name } of agents.list()) {
    for (const { name: what, verdict, sentence } of await agents.probeAgent(name))
      all.push({ name: `agent ${what}`, status: verdict, sentence });
  }
  return all;
};

const repositoryChecks = async ({ repositories, configuration }: Checked): Promise<Check[]> => {
  const name = 'repositories';
  const all = await repositories.list();
  if (all.length === 0)
    return [{ name, status: 'warn', sentence: 'There is no repository yet. Add one with "countersign repo add <url>".' }];
  const { defaultRepository, baseBranch } = configuration.repositories;
  const missing: Check[] =
    defaultRepository !== null && !all.includes(defaultRepository)
      ? [
          {
            name,
            status: 'fail',
            sentence: `DEFAULT_REPO names ${defaultRepository}, which is not here. Add it with "countersign repo add <url>".`,
          },
        ]
      : [];
  const asked = await Promise.all(
    all.slice(0, REMOTES_ASKED_MAX).map(async (repository) =>
      (await repositories.checkRemote(repository, baseBranch)).map(
        ({ direction, ok, sentence }): Check => ({
          name: `${repository} (${direction})`,
          status: ok ? 'pass' : 'fail',
          sentence,
        }),
      ),
    ),
  );
  return [...missing, ...asked.flat()];
};

const forgeChecks = async ({ forge, repositories, configuration }: Checked): Promise<Check[]> => {
  const repository = configuration.repositories.defaultRepository ?? (await repositories.list())[0];
  const base = configuration.repositories.baseBranch;
  const remote =
    repository === undefined
      ? undefined
      : await repositories.resolveBase(repository, base).then(
          (found) => found.remote,
          () => undefined,
        );
  return (await forge.probe(remote)).map((check) => ({
    ...check,
    name: check.name === 'forge' ? 'forge' : `forge ${check.name}`,
  }));
};

/** Streams that a view could fold no further. They stop nothing else, so the service is no worse for them. */
export const parkedChecks = (
  views: readonly { readonly name: string; readonly parked: readonly ParkedStream[] }[],
): readonly Check[] => {
  const all = views.flatMap(({ name, parked }) => parked.map((stream) => ({ name, ...stream })));
  const [first] = all;
  if (!first) return [];
  const { name, stream, type, needs } = first;
  const why =
    needs === 'fault' ? `the view "${name}" fails at` : needs === 'unreadable' ? 'of an unreadable' : `of version ${needs} of`;
  const sentence = `${all.length} streams stand still, such as ${stream}, because ${why} ${type}. Update the service, then run "countersign projections resume".`;
  return [{ name: 'views', status: 'warn', sentence }];
};

/** What a process of each role has nothing to do with. */
const ELSEWHERE: Readonly<Record<Configuration['role'], ReadonlySet<string>>> = {
  all: new Set(),
  api: new Set(['sandbox', 'sandbox image', 'agent', 'forge']),
  worker: new Set(['telegram']),
};

/** Really asks every component that this process needs, all at once; never throws. */
export const checkAll = async (parts: Checked): Promise<readonly Check[]> => {
  const asked: readonly (readonly [string, (parts: Checked) => Promise<readonly Check[]>])[] = [
    ['event store', storeChecks],
    ['artifacts', artifactChecks],
    ['disk', diskChecks],
    ['audit', auditChecks],
    ['sandbox', sandboxChecks],
    ['sandbox image', imageChecks],
    ['agent', agentChecks],
    ['repositories', repositoryChecks],
    ['forge', forgeChecks],
    ['telegram', ({ telegram }) => telegram()],
  ];
  const needed = asked.filter(([name]) => !ELSEWHERE[parts.configuration.role].has(name));
  return (await Promise.all(needed.map(([name, ask]) => inTime(name, () => ask(parts))))).flat();
};
