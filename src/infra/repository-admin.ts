import { RepositoryProblem } from '../commands/ports/repositories.ts';
import type { OperatorDefaults } from '../domain/repository-config.ts';
import { filesToRead, type Proposal, proposeConfiguration } from '../domain/repository-proposal.ts';
import type { GitAccess } from './git/access.ts';
import type { GitRepositories } from './git/repositories.ts';
import { addRepository, removeRepository } from './git/snapshots.ts';
import type { AddedRepository, RepositoryAdmin } from './http/context.ts';

/** Files that say how a repository is tested. */
const CONFIGURATION_FILES = ['.countersign.yml', 'okaydokki.yaml'];
const FILE_BYTES_MAX = 64 * 1024;

export interface RepositoryAdminOptions {
  readonly snapshotRoot: string;
  readonly baseBranch: string;
  readonly dataFolder: string;
  readonly repositories: GitRepositories;
  readonly gitCredentials: GitAccess;
  readonly operator: OperatorDefaults;
  /** Other processes, with snapshots of their own, may share the log. */
  readonly isShared: boolean;
}

const ELSEWHERE =
  'It was cloned to this machine. Every other machine whose service shares the event store needs it in its REPO_SNAPSHOT_ROOT, too: clone it there.';

/** What the operator would have to allow first, as lines of `.env`. */
const unmet = ({ image, testCommand, installCommand, hosts }: Proposal['needs'], operator: OperatorDefaults): string[] => {
  const { allowedImages, allowedTestCommands, installs } = operator;
  const added = (variable: string, value: string | null, allowed: readonly string[]): string[] =>
    value === null || allowed.includes(value)
      ? []
      : [`To be allowed in .env first: ${variable}=${[...allowed, value].join(',')}`];
  return [
    ...added('ALLOWED_SANDBOX_IMAGES', image, allowedImages),
    ...added('ALLOWED_TEST_COMMANDS', testCommand, allowedTestCommands),
    ...added('ALLOWED_INSTALL_COMMANDS', installCommand, installs.allowedCommands),
    ...hosts.flatMap((host) => added('INSTALL_EGRESS', host, installs.hosts)),
  ];
};

/** Adds and removes repositories that changes can be asked for, and says of a new one what was found. */
export const createRepositoryAdmin = (options: RepositoryAdminOptions): RepositoryAdmin => {
  const { snapshotRoot, baseBranch, dataFolder, repositories, gitCredentials, operator, isShared } = options;

  /** Nothing of it can be read without the base branch; the check of fetching says so already. */
  const look = async (name: string): Promise<Pick<AddedRepository, 'hasConfiguration' | 'proposal'>> => {
    const base = await repositories.resolveBase(name, baseBranch).catch((error: unknown) => {
      if (error instanceof RepositoryProblem) return null;
      throw error;
    });
    if (base === null) return { hasConfiguration: false, proposal: null };
    const names = await repositories.fileNames(name, base.tree);
    if (CONFIGURATION_FILES.some((file) => names.includes(file))) return { hasConfiguration: true, proposal: null };
    const texts = new Map<string, string>();
    for (const file of filesToRead(names)) {
      const bytes = await repositories.readFile(name, base.commit, file, FILE_BYTES_MAX);
      if (Buffer.isBuffer(bytes)) texts.set(file, bytes.toString());
    }
    const { yaml, sentences, needs } = proposeConfiguration(names, texts);
    const isUsual =
      needs.image === operator.image && needs.testCommand === operator.testCommand && !/^(install|path):/m.test(yaml);
    if (isUsual) {
      const usual = `It is tested as is configured here: ${operator.testCommand} in ${operator.image}.`;
      return { hasConfiguration: false, proposal: { text: '', sentences: [usual, ...sentences] } };
    }
    return { hasConfiguration: false, proposal: { text: yaml, sentences: [...sentences, ...unmet(needs, operator)] } };
  };

  return {
    list: async () => {
      const names = await repositories.list();
      // Nothing outside is asked: a list must not wait for a remote that does not answer.
      return Promise.all(names.map(async (name) => ({ name, remote: await repositories.remoteOf(name).catch(() => '') })));
    },
    add: async (url, name) => {
      const added = await addRepository({ url, snapshotRoot, gitCredentials, ...(name !== undefined && { name }) });
      const checks = await repositories.checkRemote(added.name, baseBranch);
      return { name: added.name, checks, ...(await look(added.name)), elsewhere: isShared ? ELSEWHERE : null };
    },
    remove: async (name) => {
      await removeRepository({ name, snapshotRoot, dataFolder });
      repositories.forget(name);
    },
  };
};
