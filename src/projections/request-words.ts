import type { TaskView } from './task-view.ts';
import { count } from './words.ts';

type Prepared = NonNullable<TaskView['prepared']>;
type RunResult = NonNullable<TaskView['runResult']>;

const ISOLATION: Readonly<Record<Prepared['agent']['isolation'], string>> = {
  bubblewrap: 'inside bubblewrap, behind the egress proxy',
  none: 'WITHOUT ISOLATION: it can read all that the service can, and use the network freely',
};

export const isolationInWords = ({ isolation }: Prepared['agent']): string => ISOLATION[isolation];

export const agentInWords = ({ name, model }: Prepared['agent']): string => (model === '' ? name : `${name}, model ${model}`);

const START: Readonly<Record<Prepared['startFrom'], string | null>> = {
  base: null,
  last_attempt: 'the tree of the last attempt, merged onto the base',
  base_after_conflict: 'the base, because the last attempt does not merge onto it; its patch is given to the agent',
};

/** `null`: from the base, as one expects. */
export const startInWords = ({ startFrom }: Prepared): string | null => START[startFrom];

export const imageInWords = ({ kind, reference, id }: Prepared['image']): string =>
  kind === 'docker'
    ? `${reference} (${id.slice(0, 19)}), in Docker without network`
    : 'the programs of this machine, in bubblewrap without network: weaker than Docker';

export const installInWords = ({
  run,
  inputs,
  outputs,
  hosts,
  fromChangedInputs,
}: NonNullable<Prepared['installCommand']>): string =>
  [
    run,
    hosts.length === 0 ? 'without network' : `may reach ${hosts.join(', ')}`,
    `reads ${inputs.join(', ')} ${fromChangedInputs ? 'AS THE CHANGE LEAVES THEM' : 'from the base'}`,
    `makes ${outputs.join(', ')}`,
  ].join('; ');

export const changedInWords = ({ filesChanged, insertions, deletions }: RunResult): string =>
  `${count(filesChanged, 'file')}, ${count(insertions, 'line')} added, ${deletions} removed`;

export const testsInWords = ({ testsResult, testExitCode }: RunResult, prepared: TaskView['prepared']): string => {
  const command = prepared === null ? '' : `: ${prepared.testCommand}`;
  if (testsResult === null) return `not run${command}`;
  return testsResult === 'PASS' ? `passed${command}` : `failed with exit code ${testExitCode}${command}`;
};
