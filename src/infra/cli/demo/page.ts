import type { AuditLine, AuditVerdict } from '../../../projections/audit.ts';
import { duration, readersZone } from '../../../projections/moments.ts';
import type { TaskView } from '../../../projections/task-view.ts';
import { count, shortCommit, shortTask } from '../../../projections/words.ts';
import { auditRow } from '../commands/audit.ts';
import { fields, indented, table } from '../layout.ts';
import { approvalRows, approvalTitle, attemptOf, heading, type Names, paragraph } from '../task-card.ts';
import { treesInWords } from '../task-page.ts';
import type { Style, Terminal } from '../terminal.ts';
import type { Surroundings } from './surroundings.ts';

const INDENT = 2;
const HASH_DIGITS = 12;

const DIFF_STYLES: readonly (readonly [RegExp, Style])[] = [
  [/^(diff|---|\+\+\+|old mode|new mode)/, 'faint'],
  [/^@@/, 'accent'],
  [/^\+/, 'good'],
  [/^-/, 'bad'],
];

/** The page a newcomer reads, printed as it happens: a section a step, each with what there is to see. */
export const pageOf = (terminal: Terminal) => {
  const { columns, ink, print } = terminal;
  let sections = 0;
  const rows = (entries: readonly (readonly [string, string | null])[]): string[] =>
    indented(
      fields(entries, columns - INDENT, (label) => ink('faint', label)),
      INDENT,
    );
  const section = (title: string, about = ''): void => print('', ...heading(`${++sections}  ${title}`, about, terminal));
  const typed = (...commands: readonly string[]): string[] =>
    indented(
      commands.map((command) => ink('accent', command)),
      2 * INDENT,
    );

  return {
    section,

    title: (): void =>
      print(
        '',
        `  ${ink('strong', 'Countersign')}`,
        ...paragraph(
          'A request for a change becomes a Draft pull request, after people allowed it. This is the whole road, on an example.',
          terminal,
        ),
      ),

    surroundings: ({ sandboxSentence }: Surroundings, repository: string, tests: string): void => {
      section('What is here');
      print(
        ...rows([
          ['repository', `${repository}, a very small shop with a bug`],
          ['its tests', tests],
          [
            'agent',
            'a script, not a model: it knows the one bug of this repository. It runs inside bubblewrap, as a real agent does',
          ],
          ['tests run in', sandboxSentence],
          ['pull requests', 'a local forge: a bare repository, and a record of the pull request beside it'],
        ]),
      );
    },

    card: (task: TaskView, names: Names): void => {
      section(approvalTitle(task), attemptOf(task));
      print(
        ...paragraph('Somebody asked for a change. Nothing runs until a person allows exactly this:', terminal),
        '',
        ...approvalRows(task, names, terminal),
        '',
      );
    },

    pullRequest: (
      task: TaskView,
      { pullRequest, title, patch }: { pullRequest: NonNullable<TaskView['pullRequest']>; title: string; patch: string },
    ): void => {
      section('The Draft pull request');
      print(
        ...rows([
          ['title', `#${pullRequest.number}  ${title}`],
          ['state', 'draft, open'],
          ['where', pullRequest.url],
          ['branch', `${pullRequest.branch} at ${shortCommit(pullRequest.head)}, onto ${task.baseBranch}`],
          ['tree', treesInWords(task.trees)],
        ]),
        '',
        ...indented(
          patch
            .trimEnd()
            .split('\n')
            // Blob ids are wider than a page, and nobody reads them.
            .filter((line) => !line.startsWith('index '))
            .map((line) => {
              const style = DIFF_STYLES.find(([pattern]) => pattern.test(line))?.[1];
              return style === undefined ? line : ink(style, line);
            }),
          2 * INDENT,
        ),
      );
    },

    failure: (task: TaskView): void => {
      section('It was not delivered');
      print(...paragraph(`${task.errorCode ?? task.status}: ${task.sentence}`, terminal));
    },

    audit: (lines: readonly AuditLine[], verdict: AuditVerdict): void => {
      section('What can be proven');
      const header = [{ title: 'line' }, { title: 'event' }, { title: 'by', flexible: true }, { title: 'hash of the line' }];
      const cells = lines.map((line) => {
        const [sequence = '', , type = ''] = auditRow(line);
        const { actor = '' } = line.metadata;
        return [sequence, type, actor.startsWith('system:') ? 'the service' : 'a person', line.lineHash.slice(0, HASH_DIGITS)];
      });
      const paint = (text: string, row: number, column: number): string => (row < 0 || column === 3 ? ink('faint', text) : text);
      print(
        ...indented(table(header, cells, paint, columns - INDENT), INDENT),
        '',
        verdict.valid
          ? `  ${ink('good', 'The audit holds:')} ${count(verdict.lines, 'line')}, each bound to the one before; every hash was computed anew.`
          : `  ${ink('bad', 'The audit does not hold.')} ${(verdict.brokenAt ?? verdict.faults[0])?.sentence}`,
      );
    },

    next: (task: TaskView, folder: string, ms: number): void => {
      section('What to type next');
      const id = shortTask(task.taskId);
      print(
        ...paragraph(
          `That took ${duration(ms)}; times are ${readersZone()}. All of it stands in ${folder} until you delete it:`,
          terminal,
        ),
        '',
        ...typed(
          `git --git-dir ${folder}/origin.git show ${task.branch}`,
          `DATA_DIR=${folder}/data bin/countersign audit show --task ${id}`,
        ),
        '',
        ...paragraph('With your own repository and agent (README.md says more):', terminal),
        '',
        ...typed(
          'npm install --global @openai/codex && codex login',
          'bin/countersign setup            # asks for the rest, and whether everything works',
          'bin/countersign serve            # then, in another terminal:',
          'bin/countersign task add --repo you/yours "…"',
          'bin/countersign task approve …   # as the card says',
        ),
        '',
      );
    },
  };
};

export type Page = ReturnType<typeof pageOf>;
