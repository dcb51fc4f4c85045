import { z } from 'zod';
import type { Artifacts } from '../../commands/ports/artifacts.ts';
import type { ArtifactRef } from '../../domain/artifact.ts';
import type { RunResult } from '../../projections/task-view.ts';
import type { RunResultDocument } from './task-schemas.ts';

/** Of a log, its last lines; the whole is read with `GET .../logs`. */
const LOG_LINES_MAX = 12;
const LOG_LINE_CHARACTERS_MAX = 500;
const PATHS_MAX = 1_000;
/** Answers are asked for again and again while a task is shown; files named by their content never change. */
const REMEMBERED_MAX = 200;

const Changes = z.array(z.looseObject({ path: z.string() }));

const lastLines = (bytes: Buffer): readonly string[] =>
  bytes
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .slice(-LOG_LINES_MAX)
    .map((line) => line.slice(-LOG_LINE_CHARACTERS_MAX).toWellFormed());

const paths = (bytes: Buffer): readonly string[] =>
  Changes.parse(JSON.parse(bytes.toString('utf8')))
    .slice(0, PATHS_MAX)
    .map(({ path }) => path);

/** What came of an attempt, with the texts a reader wants at once. */
export const createRunResults = (artifacts: Artifacts) => {
  const remembered = new Map<string, Promise<readonly string[]>>();

  /** What is missing or damaged reads as nothing here; who asks for the whole is told. */
  const excerpt = (ref: ArtifactRef, of: (bytes: Buffer) => readonly string[]): Promise<readonly string[]> => {
    const known = remembered.get(ref.digest);
    if (known) return known;
    const made = artifacts.get(ref).then(of, () => {
      remembered.delete(ref.digest);
      return [];
    });
    remembered.set(ref.digest, made);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
    return made;
  };

  return async ({ artifacts: files, ...facts }: RunResult): Promise<z.infer<typeof RunResultDocument>> => {
    const [changedFiles, agentLogs, testLog] = await Promise.all([
      excerpt(files.changes, paths),
      excerpt(files.agentLog, lastLines),
      files.testLog && excerpt(files.testLog, lastLines),
    ]);
    return { ...facts, changedFiles: [...changedFiles], agentLogs: [...agentLogs], testLog: testLog?.join('\n') ?? null };
  };
};
