import { shortTask } from '../../projections/words.ts';
import { type Html, html, join, link } from './html.ts';
import type { Options } from './task-line.ts';
import { readTaskLine, writtenOptions } from './task-line.ts';

/** What a person is asked to write as a reply. */
export type Prompt =
  | { readonly verb: 'task'; readonly options: Options }
  | { readonly verb: 'reason' | 'ask' | 'clarify' | 'feedback'; readonly task: string; readonly attempt: number };

type AboutTask = Exclude<Prompt['verb'], 'task'>;

const TASK = 'What should be changed? Reply to this message with it.';

/** What stands before and after the name of the task. */
const QUESTIONS: Readonly<Record<AboutTask, readonly [string, string]>> = {
  reason: ['Why is it no? Reply to this message, and ', ' is rejected.'],
  ask: ['What do you want to know before you decide? Reply to this message to ask about ', '.'],
  clarify: ['What is the answer? Reply to this message to clarify ', '.'],
  feedback: ['What should be different this time? Reply to this message to rerun ', '.'],
};

const PLACEHOLDERS: Readonly<Record<Prompt['verb'], string>> = {
  task: 'What should be changed?',
  reason: 'The reason',
  ask: 'Your question',
  clarify: 'Your answer',
  feedback: 'Your feedback',
};

const NAME = /task ([0-9a-f]{8}), attempt ([1-9]\d{0,5})/;

/** Whom it is for: only that person's reply box opens in a group. */
export interface Reader {
  readonly id: string;
  readonly firstName: string;
}

/** The message that asks; what it asks for is read back from its words, so nothing has to be remembered. */
export const promptText = (prompt: Prompt, reader: Reader | null): { readonly text: Html; readonly forceReply: string } => {
  const mention =
    reader && html`${link(`tg://user?id=${reader.id}`, reader.firstName === '' ? 'You' : reader.firstName)}, this is for you.`;
  const forceReply = PLACEHOLDERS[prompt.verb];
  if (prompt.verb === 'task')
    return { text: join([html`${TASK}`, html`${writtenOptions(prompt.options)}`, mention]), forceReply };
  const [before, after] = QUESTIONS[prompt.verb];
  return { text: join([html`${before}task ${shortTask(prompt.task)}, attempt ${prompt.attempt}${after}`, mention]), forceReply };
};

/** What one of our own messages asked for; `undefined` when it is no such question. */
export const readPrompt = (text: string): Prompt | undefined => {
  const [first = '', second = ''] = text.split('\n');
  if (first === TASK) {
    const line = readTaskLine(second);
    // The second line may be the name of the reader already.
    return { verb: 'task', options: 'complaint' in line ? {} : line.options };
  }
  for (const verb of ['reason', 'ask', 'clarify', 'feedback'] as const) {
    const [before, after] = QUESTIONS[verb];
    if (!first.startsWith(before) || !first.endsWith(after)) continue;
    const [all, task = '', attempt] = NAME.exec(first.slice(before.length, -after.length)) ?? [];
    if (all === first.slice(before.length, -after.length)) return { verb, task, attempt: Number(attempt) };
  }
  return undefined;
};
