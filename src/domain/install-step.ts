import { z } from 'zod';
import { foldedPath, isDeceptive, isGitName, isTraversal } from './policy/path-name.ts';

const PATH_CHARACTERS_MAX = 400;

const isInside = (path: string): boolean => {
  const components = path.split('/');
  const folded = foldedPath(path).split('/');
  return !isTraversal(folded) && !components.some((name) => name.startsWith('-')) && !folded.some(isGitName);
};

/** A name below a folder of the tree, as git writes it: relative, normalised, nothing that leads out or hides. */
export const RelativePath = z
  .string()
  .max(PATH_CHARACTERS_MAX)
  .refine((path) => !path.includes('\\') && !isDeceptive(path) && isInside(path), {
    error: 'must be a path inside the repository, such as packages/api: relative, without `.`, `..` and a `/` at its end',
  });

/** One line for the shell of a container; compared whole with what the operator allows. */
export const CommandLine = z
  .string()
  .min(1)
  .max(1_000)
  .regex(/^[^\p{Cc}\s](?:[^\p{Cc}]*[^\p{Cc}\s])?$/u, { error: 'must be one line without spaces around it' });

export const INSTALL_INPUTS_MAX = 100;
const INSTALL_OUTPUTS_MAX = 10;

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** Whether no two of them are the same, and none stands in another. */
const areApart = (paths: readonly string[]): boolean =>
  paths.every((path, at) => paths.every((other, otherAt) => at === otherAt || !isWithin(path, other)));

/** What a repository says about getting its packages. Paths start where the test command runs. */
export const InstallWish = z
  .strictObject({
    run: CommandLine,
    inputs: z.array(RelativePath).min(1, { error: 'must name the files it reads, lock file first' }).max(INSTALL_INPUTS_MAX),
    outputs: z
      .array(RelativePath)
      .min(1, { error: 'must name the folders it makes, such as node_modules' })
      .max(INSTALL_OUTPUTS_MAX)
      .refine(areApart, { error: 'must be folders apart from each other' }),
  })
  .refine(
    ({ inputs, outputs }) => areApart(inputs) && !inputs.some((input) => outputs.some((output) => isWithin(input, output))),
    {
      error: 'must read files that it does not make, each named once',
    },
  );
export type InstallWish = z.infer<typeof InstallWish>;

/** How packages are installed for the tests: what is asked for, and what the operator lets it reach and read. */
export const InstallStep = z.object({
  run: z.string().min(1),
  /** Files, from where the test command runs: all that the command gets to see of the repository. */
  inputs: z.array(z.string()).min(1),
  /** Folders, from where the test command runs: all that is kept. */
  outputs: z.array(z.string()).min(1),
  /** Hosts it may reach, through the egress proxy; none: it has no network. */
  hosts: z.array(z.string()),
  /** Whether the inputs are read from the change; otherwise from the base, and a change that touches one is refused. */
  fromChangedInputs: z.boolean(),
});
export type InstallStep = z.infer<typeof InstallStep>;

/** A path of the step as the tree has it. `folder`: where the test command runs; absent: the root. */
export const inTree = (folder: string | undefined, path: string): string => (folder === undefined ? path : `${folder}/${path}`);
