import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Dependency, Sandboxes, SandboxImage, SandboxRequest, SandboxResult } from '../../src/commands/ports/sandbox.ts';
import type { Limits } from '../../src/domain/limits.ts';
import { LIMITS } from './limits.ts';

/** A path to a file's text, to text and mode, or to what a link points to. */
export type TreeFiles = Readonly<
  Record<string, string | { readonly text: string; readonly mode: number } | { readonly link: string }>
>;

/** A folder as the service makes one: closed to others, below a closed one. */
export const makeTree = async (files: TreeFiles = {}): Promise<string> => {
  const home = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const tree = join(home, 'tree');
  await mkdir(tree, { mode: 0o700 });
  for (const [name, file] of Object.entries(files)) {
    const path = join(tree, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof file === 'string') await writeFile(path, file);
    else if ('link' in file) await symlink(file.link, path);
    else {
      await writeFile(path, file.text);
      await chmod(path, file.mode);
    }
  }
  return tree;
};

let runs = 0;

export interface Run {
  readonly files?: TreeFiles;
  readonly treeFolder?: string;
  readonly key?: string;
  readonly owner?: string;
  readonly path?: string;
  readonly dependencies?: readonly Dependency[];
  readonly limits?: Partial<Limits>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
  readonly fill?: () => Promise<void>;
  readonly afterwards?: (work: () => Promise<void>) => void;
}

/** Binds a sandbox and an image, so that a test says the command and what it is about. */
export const workbench = (sandbox: Sandboxes, image: SandboxImage) => {
  const request = async (command: string, { files, limits, ...given }: Run): Promise<SandboxRequest> => ({
    key: `test-${process.pid}-${runs++}`,
    owner: 'test',
    image,
    treeFolder: given.treeFolder ?? (await makeTree(files)),
    command,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...given,
    limits: { ...LIMITS, ...limits },
  });
  const run = async (command: string, given: Run = {}): Promise<SandboxResult> => sandbox.run(await request(command, given));
  /** What the command printed; it must have passed. */
  const output = async (command: string, given: Run = {}): Promise<string> => {
    const { outcome, log, sentence } = await run(command, given);
    if (outcome !== 'passed') throw new Error(`${outcome}: ${sentence}\n${log}`);
    return log.toString();
  };
  return { sandbox, image, run, output };
};

export type Workbench = ReturnType<typeof workbench>;
