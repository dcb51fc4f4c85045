import type { z } from 'zod';
import { NewTask } from '../../commands/door.ts';

export type Options = Pick<NewTask, 'repo' | 'base' | 'agent' | 'testCommand'>;

/** Options, then words: what is typed after `/task` and `/clarify`. */
export interface TaskLine {
  readonly options: Options;
  /** As it was typed, line breaks and quotes included; empty when there were only options. */
  readonly text: string;
}

/** What is wrong with a line, and what to type instead. */
export interface Complaint {
  readonly complaint: string;
}

const { repo, base, agent, testCommand } = NewTask.shape;
const OPTIONS: ReadonlyMap<string, { readonly field: keyof Options; readonly schema: z.ZodType }> = new Map([
  ['repo', { field: 'repo', schema: repo }],
  ['base', { field: 'base', schema: base }],
  ['agent', { field: 'agent', schema: agent }],
  ['test', { field: 'testCommand', schema: testCommand }],
]);

/** Phones make them of straight ones. */
const CLOSING: Readonly<Record<string, string>> = { '"': '"', "'": "'", '“': '”', '„': '“', '‘': '’', '«': '»' };

const OPTION = /^([A-Za-z][A-Za-z_-]{0,19})=(?!=)/;
/** Ends the options, so that a text may begin like one. Phones make a long dash of two. */
const END_OF_OPTIONS = /^(?:--|—)(?:\s+|$)/;

/** The value that `text` begins with, and what follows it; `undefined`: its quotes do not end. */
const quoted = (text: string): readonly [value: string, rest: string] | undefined => {
  const close = CLOSING[text.charAt(0)];
  if (close === undefined) {
    const [value = ''] = /^\S*/.exec(text) ?? [];
    return [value, text.slice(value.length)];
  }
  const end = text.indexOf(close, 1);
  if (end === -1 || !/^(?:\s|$)/.test(text.slice(end + 1))) return undefined;
  return [text.slice(1, end), text.slice(end + 1)];
};

/**
 * Only what stands before the text is an option: `repo=` in the middle of it is text. An option that nobody knows is refused rather than run
 * on the wrong repository.
 */
export const readTaskLine = (typed: string): TaskLine | Complaint => {
  const options: Options = {};
  let rest = typed.trimStart();
  for (let match = OPTION.exec(rest); match !== null; match = OPTION.exec(rest)) {
    const [written, name = ''] = match;
    const known = OPTIONS.get(name.toLowerCase());
    if (!known) {
      const names = [...OPTIONS.keys()].map((each) => `${each}=`).join(' ');
      return { complaint: `${name}= is no option; there are ${names}. If it belongs to the text, write -- before the text.` };
    }
    const { field, schema } = known;
    if (options[field] !== undefined) return { complaint: `${field === 'testCommand' ? 'test' : field}= is said twice.` };
    const value = quoted(rest.slice(written.length));
    if (!value) return { complaint: `The quotes after ${written} do not end. Write ${written}"…" and then a space.` };
    if (value[0].trim() === '') return { complaint: `${written} needs a value right after it, without a space.` };
    const parsed = schema.safeParse(value[0]);
    if (!parsed.success) return { complaint: `${written} ${parsed.error.issues[0]?.message ?? 'is not understood'}.` };
    options[field] = value[0].trim();
    rest = value[1].trimStart();
  }
  return { options, text: rest.replace(END_OF_OPTIONS, '').trim() };
};

/** The options as they can be typed; a value that holds every kind of quotes is left out. */
export const writtenOptions = (options: Options): string =>
  [...OPTIONS]
    .flatMap(([name, { field }]) => {
      const value = options[field];
      if (value === undefined) return [];
      if (!/^=|\s/.test(value) && CLOSING[value.charAt(0)] === undefined) return [`${name}=${value}`];
      const quotes = Object.entries(CLOSING).find(([open, close]) => !value.includes(open) && !value.includes(close));
      return quotes ? [`${name}=${quotes[0]}${value}${quotes[1]}`] : [];
    })
    .join(' ');
