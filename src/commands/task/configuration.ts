import { effectiveConfiguration } from '../../domain/repository-config.ts';
import type { Configured, TaskPorts } from './deps.ts';

/** Most bytes of a repository's file that are read at all; the parser has a narrower limit and says so. */
const FILE_BYTES_MAX = 1024 * 1024;

/** What holds for a repository at its base commit: the operator's ceiling, narrowed by `.countersign.yml` or the older `okaydokki.yaml`. */
export const configurationAt = async (
  { repositories, parseRepositoryFile, operator }: Pick<TaskPorts, 'repositories' | 'parseRepositoryFile' | 'operator'>,
  repo: string,
  commit: string,
): Promise<Configured> => {
  for (const [flavour, path] of [
    ['countersign', '.countersign.yml'],
    ['okaydokki', 'okaydokki.yaml'],
  ] as const) {
    const bytes = await repositories.readFile(repo, commit, path, FILE_BYTES_MAX);
    if (bytes === null) continue;
    if (bytes === 'unusable')
      return { faults: [`${path} is no regular file of at most ${FILE_BYTES_MAX / 1024} KiB. Mend it at the base.`] };
    const parsed = parseRepositoryFile(bytes, flavour);
    return 'faults' in parsed ? parsed : effectiveConfiguration(operator, parsed.config);
  }
  return effectiveConfiguration(operator, null);
};
