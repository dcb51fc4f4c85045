import { z } from 'zod';
import type { Artifacts } from '../../commands/ports/artifacts.ts';
import {
  isContinuousIntegration,
  isDependencyManifest,
  isDocumentation,
  isLockFile,
  isSource,
  isTest,
  isTestConfiguration,
} from '../../domain/policy/file-kinds.ts';
import { foldedPath } from '../../domain/policy/path-name.ts';
import type { ChangeEntry } from '../../domain/policy/shapes.ts';
import type { TaskView } from '../../projections/task-view.ts';

/** Kinds of files as a reviewer looks at them. */
const FILE_KINDS = ['source', 'tests', 'docs', 'dependencies', 'CI', 'other'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

type Changed = Pick<ChangeEntry, 'path' | 'kind'>;

/** What changed, by kind of file; kinds without a change are left out. */
export type ChangesByKind = readonly { readonly kind: FileKind; readonly files: readonly Changed[] }[];

/** Change lists that are remembered: a card is brought up to date again and again. */
const REMEMBERED_MAX = 200;

/** The first that holds: a test of the documentation is a test, a lock file under `.github` decides about builds. */
const fileKind = (path: string): FileKind => {
  const components = foldedPath(path).split('/');
  if (isContinuousIntegration(components)) return 'CI';
  if (isDependencyManifest(components) || isLockFile(components)) return 'dependencies';
  if (isTest(components) || isTestConfiguration(components)) return 'tests';
  if (isDocumentation(components)) return 'docs';
  return isSource(components) ? 'source' : 'other';
};

export const changesByKind = (entries: readonly Changed[]): ChangesByKind => {
  const byKind = Map.groupBy(entries, ({ path }) => fileKind(path));
  return FILE_KINDS.flatMap((kind) => {
    const files = byKind.get(kind);
    return files ? [{ kind, files }] : [];
  });
};

const Entries = z.array(z.looseObject({ path: z.string(), kind: z.enum(['added', 'modified', 'deleted', 'type_changed']) }));

/** Reads what an attempt changed from its artifact. `null`: nothing was collected, or the list is missing; who asks for the patch is told. */
export const createChanges = (artifacts: Artifacts) => {
  const remembered = new Map<string, ChangesByKind>();

  return async ({ runResult }: Pick<TaskView, 'runResult'>): Promise<ChangesByKind | null> => {
    const ref = runResult?.artifacts.changes;
    if (!ref) return null;
    const known = remembered.get(ref.digest);
    if (known) return known;
    try {
      const changes = changesByKind(Entries.parse(JSON.parse((await artifacts.get(ref)).toString('utf8'))));
      remembered.set(ref.digest, changes);
      const [oldest] = remembered.keys();
      if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
      return changes;
    } catch {
      return null;
    }
  };
};

export type ReadChanges = ReturnType<typeof createChanges>;
