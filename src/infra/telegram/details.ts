import {
  agentInWords,
  imageInWords,
  installInWords,
  isolationInWords,
  startInWords,
  testsInWords,
} from '../../projections/request-words.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { limitsInWords } from '../../projections/words.ts';
import { askedBy, fact, headline, lines, type Names, paragraphs, policyItems, utc } from './facts.ts';
import { beginning, code, type Html, prose } from './html.ts';

const WORDS_CHARACTERS_MAX = 900;

const words = (text: string | null | undefined): Html | null =>
  text == null || text === '' ? null : prose(beginning(text, WORDS_CHARACTERS_MAX));

const id = (text: string | null | undefined): Html | null => (text == null ? null : code(text));

/** Everything that an approval binds and that the card leaves out, with ids and digests in full. */
export const detailsText = (task: TaskView, names: Names): Html => {
  const { approval, prepared, runResult, trees, policy } = task;
  const isPatch = approval?.gate === 'patch';
  return paragraphs(
    headline('▫️', isPatch ? 'All that approving the patch covers' : 'All that approving the request covers', task),
    lines(
      fact('Task', id(task.taskId)),
      fact('Branch', id(task.branch)),
      fact('Asked by', askedBy(task, names)),
      fact('Asked', utc(task.createdAt)),
      fact('Remote', words(prepared?.remote)),
      fact('Base', id(prepared?.baseCommit)),
      fact('Starts from', prepared && (words(startInWords(prepared)) ?? 'the base')),
      fact('Starting tree', id(prepared?.startTree)),
    ),
    isPatch
      ? lines(
          fact('Result tree', id(trees.result)),
          fact('Tested tree', id(trees.tested)),
          fact('Patch', id(runResult?.diffHash)),
          fact('Tests', runResult && words(testsInWords(runResult, prepared))),
          policy && policy.warnings.length > 0 ? fact('Warnings', policyItems(policy.warnings, policy.omitted)) : null,
        )
      : null,
    prepared &&
      lines(
        fact('Agent', words(`${agentInWords(prepared.agent)}, ${isolationInWords(prepared.agent)}`)),
        fact('Agent profile', id(prepared.agent.profile)),
        fact('Installs', prepared.installCommand && words(installInWords(prepared.installCommand))),
        fact('Tests', words(prepared.testCommand)),
        fact('In folder', words(prepared.path)),
        fact('Image', words(imageInWords(prepared.image))),
        fact('Image id', id(prepared.image.id)),
      ),
    prepared &&
      lines(
        fact('Policy', words(prepared.policySummary)),
        fact('Policy digest', id(prepared.policyDigest)),
        fact('Limits', words(limitsInWords(prepared.limits))),
      ),
    approval && lines(fact('Digest', code(approval.digest)), fact('Open until', utc(approval.expiresAt))),
  );
};
