import { ArtifactMissing, type Artifacts } from '../../commands/ports/artifacts.ts';
import type { ArtifactRef } from '../../domain/artifact.ts';
import { taskLogs } from '../../projections/task-logs.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { shortTask } from '../../projections/words.ts';
import type { Words } from './desk.ts';
import { block, bold, html, join } from './html.ts';

/** A longer text comes as a file; with its heading it fits into a message. */
const SHOWN_CHARACTERS_MAX = 3_500;

const shown = (title: string, name: string, bytes: Buffer): Words => {
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  if (isText && text.trim() === '') return { text: html`${bold(title)}: nothing was printed.` };
  if (isText && text.length <= SHOWN_CHARACTERS_MAX) return { text: join([bold(title), block(text)]) };
  return { text: bold(title), document: { name, bytes } };
};

const read = async (artifacts: Artifacts, ref: ArtifactRef, title: string, name: string): Promise<Words> => {
  try {
    return shown(title, name, await artifacts.get(ref));
  } catch (error) {
    return error instanceof ArtifactMissing
      ? { text: html`${bold(title)}: it is not kept any more; a backup may hold it.` }
      : { text: html`${bold(title)}: it cannot be read, or is damaged. Ask again, or restore it from a backup.` };
  }
};

/** The patch of the latest attempt, as text or as a file. */
export const patchWords = async (artifacts: Artifacts, { taskId, attempt, runResult }: TaskView): Promise<readonly Words[]> => {
  const patch = runResult?.artifacts.patch;
  if (!patch) return [{ text: html`There is no patch of this task yet.` }];
  const name = `${shortTask(taskId)}-${attempt}.patch`;
  return [await read(artifacts, patch, `Patch of task ${shortTask(taskId)}, attempt ${attempt}`, name)];
};

/** What the agent and the tests printed in the latest attempt; `only`: one of them. */
export const logWords = async (
  artifacts: Artifacts,
  task: TaskView,
  only: 'agent' | 'tests' | null,
): Promise<readonly Words[]> => {
  const { taskId, attempt } = task;
  const found = Object.entries(taskLogs(task)).flatMap(([name, ref]) =>
    ref && (only === null || only === name) ? [{ name, ref }] : [],
  );
  if (found.length === 0) return [{ text: html`There is no such log of this task yet.` }];
  return Promise.all(
    found.map(({ name, ref }) => {
      const title = `Log of the ${name}, task ${shortTask(taskId)}, attempt ${attempt}`;
      return read(artifacts, ref, title, `${shortTask(taskId)}-${attempt}-${name}.log`);
    }),
  );
};
