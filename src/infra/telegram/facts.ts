import { shortMoment, withReadersTimes } from '../../projections/moments.ts';
import { changedInWords } from '../../projections/request-words.ts';
import type { TaskView } from '../../projections/task-view.ts';
import { channelInWords, count, shortCommit, shortTask } from '../../projections/words.ts';
import { type AttemptVerb, dataOf } from './buttons.ts';
import type { ChangesByKind } from './changes.ts';
import { beginning, bold, code, type Html, html, join, nothing, prose, quoted } from './html.ts';
import type { Button, Keyboard } from './keyboard.ts';

/** How people are called, by their ids. */
export type Names = (personId: string) => string;

/** What a message about a task says, and its buttons. */
export interface CardText {
  readonly text: Html;
  readonly keyboard: Keyboard;
  /** A text that is too long for the message: a file that is sent before it. */
  readonly document?: { readonly name: string; readonly bytes: Buffer; readonly caption: Html };
}

/** One sign a message, at its very beginning: what kind of message it is, before a word is read. */
export type Sign = '✋' | '⚠️' | '❓' | '⏳' | '⚙️' | '✅' | '❌' | '⏹' | '▫️';

const FILES_NAMED_MAX = 5;
const WARNINGS_SHOWN_MAX = 5;
const SENTENCE_CHARACTERS_MAX = 700;
const PATH_CHARACTERS_MAX = 90;

/** Moments in chats are UTC and say so: the reader's zone is not known to a bot. */
export const utc = (iso: string): string => `${shortMoment(iso, 'UTC')} UTC`;

/** Says what it is, in which state, and of which task and attempt. */
export const headline = (sign: Sign, title: string, { taskId, attempt }: Pick<TaskView, 'taskId' | 'attempt'>): Html =>
  html`${sign} ${bold(title)} · ${code(shortTask(taskId))}${attempt === 1 ? '' : ` · attempt ${attempt}`}`;

/** A line with a bold label; nothing when there is nothing to say. */
export const fact = (label: string, value: Html | string | null | undefined): Html | null =>
  value == null || value === '' ? null : html`${bold(label)}  ${value}`;

/** Blocks with an empty line between them. */
export const paragraphs = (...blocks: readonly (Html | null)[]): Html => join(blocks, '\n\n');

export const lines = (...parts: readonly (Html | null)[]): Html => join(parts, '\n');

export const person = (names: Names, personId: string): Html => prose(beginning(names(personId), 60));

/** Several people, each once. */
export const people = (names: Names, ids: readonly string[]): Html =>
  join(
    [...new Set(ids)].map((id) => person(names, id)),
    ', ',
  );

/** The beginning of what was asked for. */
export const request = ({ intent }: Pick<TaskView, 'intent'>, max: number): Html => quoted(beginning(intent.trim(), max));

/** A sentence of the service or of a person, with its times in UTC. */
export const sentence = (words: string): Html => prose(beginning(withReadersTimes(words, 'UTC'), SENTENCE_CHARACTERS_MAX));

export const where = ({ repo, baseBranch, prepared }: Pick<TaskView, 'repo' | 'baseBranch' | 'prepared'>): Html =>
  html`${code(repo)} at ${code(baseBranch)}${prepared ? html` ${code(shortCommit(prepared.baseCommit))}` : ''}`;

export const askedBy = ({ triggerUser, source, onBehalfOf }: TaskView, names: Names): Html => {
  const label = onBehalfOf === null ? '' : html`, for “${prose(beginning(onBehalfOf, 60))}” (nobody checked that)`;
  return html`${person(names, triggerUser)}, ${channelInWords(source.im)}${label}`;
};

export const approvedBy = ({ approvals, attempt }: TaskView, names: Names): Html | null => {
  const given = approvals.filter((one) => one.attempt === attempt);
  return given.length === 0
    ? null
    : join(
        given.map(
          ({ by, gate, at, byRequester }) =>
            html`${person(names, by)}${gate === 'patch' ? ' (the patch)' : ''}${byRequester ? ', who also asked for it' : ''}, ${utc(at)}`,
        ),
        '; ',
      );
};

const CHANGE_MARKS: Readonly<Record<string, string>> = { added: ' (new)', deleted: ' (deleted)' };

/** At most five files are named, those of the first kinds first; the rest is counted. */
export const changedFiles = (changes: ChangesByKind): Html => {
  let room = FILES_NAMED_MAX;
  return join(
    changes.map(({ kind, files }) => {
      const named = files.slice(0, room);
      room -= named.length;
      const more = files.length - named.length;
      const names = named.map((file) => html`${code(beginning(file.path, PATH_CHARACTERS_MAX))}${CHANGE_MARKS[file.kind] ?? ''}`);
      const rest = more === 0 ? null : named.length === 0 ? html`${count(more, 'file')}` : html`${more} more`;
      return html`· ${kind}: ${join([...names, rest], ', ')}`;
    }),
  );
};

/** How much, and which files by kind. */
export const whatChanged = ({ runResult }: Pick<TaskView, 'runResult'>, changes: ChangesByKind | null): Html | null => {
  if (!runResult?.hasDiff) return null;
  return lines(fact('Changed', changedInWords(runResult)), changes && changedFiles(changes));
};

/** Items of a policy report, those that matter most first; the rest is counted. */
export const policyItems = (
  items: readonly { readonly path?: string | undefined; readonly sentence: string }[],
  omitted = 0,
): Html => {
  const more = items.length - WARNINGS_SHOWN_MAX + omitted;
  return lines(
    ...items
      .slice(0, WARNINGS_SHOWN_MAX)
      .map(
        ({ path, sentence: words }) =>
          html`· ${path === undefined ? nothing : html`${code(beginning(path, PATH_CHARACTERS_MAX))}: `}${prose(beginning(words, 200))}`,
      ),
    more > 0 ? html`· and ${more} more` : null,
  );
};

/** About the latest attempt: pressed later, it means this one still. */
export const attemptButton = (
  { taskId, attempt }: Pick<TaskView, 'taskId' | 'attempt'>,
  verb: AttemptVerb,
  text: string,
): Button => ({
  text,
  data: dataOf({ verb, taskId, attempt }),
});
