import { effectiveConfiguration } from '../../domain/repository-config.ts';
import type { Configured, TaskPorts } from './deps.ts';
import { placeFaults } from './install.ts';

/** Most bytes of a repository's file that are read at all; the parser has a narrower limit and says so. */
const FILE_BYTES_MAX = 1024 * 1024;

/** What holds for a repository at its base commit: the operator's ceiling, narrowed by `.countersign.yml` or the older `okaydokki.yaml`. */
export const configurationAt = async (
  ports: Pick<TaskPorts, 'repositories' | 'parseRepositoryFile' | 'operator' | 'installs'>,
  repo: string,
  commit: string,
): Promise<Configured> => {
  const { repositories, parseRepositoryFile, operator } = ports;
  for (const [flavour, path] of [
    ['countersign', '.countersign.yml'],
    ['okaydokki', 'okaydokki.yaml'],
  ] as const) {
    const bytes = await repositories.readFile(repo, commit, path, FILE_BYTES_MAX);
    if (bytes === null) continue;
    if (bytes === 'unusable')
      return { faults: [`${path} is no regular file of at most ${FILE_BYTES_MAX / 1024} KiB. Mend it at the base.`] };
    const parsed = parseRepositoryFile(bytes, flavour);
    if ('faults' in parsed) return parsed;
    const effective = effectiveConfiguration(operator, parsed.config);
    if ('faults' in effective) return effective;
    const faults = await placeFaults(ports, repo, commit, effective.ok);
    return faults.length > 0 ? { faults } : effective;
  }
  return effectiveConfiguration(operator, null);
};
