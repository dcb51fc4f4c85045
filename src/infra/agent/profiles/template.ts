import { type Assignment, exitComplaint, type Profile } from './profile.ts';

/** A placeholder becomes the expansion of the variable that holds its value: the shell never reads the value as a command. */
const VARIABLES = {
  task_id: 'OKD_TASK_ID',
  intent: 'OKD_INTENT',
  repo: 'OKD_REPO',
  branch: 'OKD_BRANCH',
  trigger_user: 'OKD_TRIGGER_USER',
} as const;
type Placeholder = keyof typeof VARIABLES;

const isPlaceholder = (name: string): name is Placeholder => Object.hasOwn(VARIABLES, name);

const values: Readonly<Record<Placeholder, (assignment: Assignment) => string>> = {
  task_id: ({ taskId }) => taskId,
  intent: ({ intent }) => intent,
  repo: ({ repository }) => repository,
  branch: ({ branch }) => branch,
  trigger_user: ({ triggerUser }) => triggerUser,
};

type Part = { readonly text: string } | { readonly placeholder: Placeholder; readonly startsWord: boolean };

export interface Template {
  /** First word of the command, when it is a plain one. */
  readonly program: string | null;
  /** The shell command. It names variables only, so it holds nothing that a requester wrote. */
  render(assignment: Assignment): string;
}

/** Where the shell would be after `text`: inside quotes, a comment, or about to take the next character literally. */
const stateAfter = (text: string): 'plain' | "'" | '"' | '`' | '#' | '\\' => {
  let state: 'plain' | "'" | '"' | '`' | '#' = 'plain';
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (state === '#') state = character === '\n' ? 'plain' : '#';
    else if (state === "'") state = character === "'" ? 'plain' : "'";
    else if (character === '\\') {
      if (i + 1 === text.length) return '\\';
      i += 1;
    } else if (state !== 'plain') state = character === state ? 'plain' : state;
    else if (character === "'" || character === '"' || character === '`') state = character;
    else if (character === '#' && (i === 0 || /[\s;&|()]/.test(text[i - 1] ?? ''))) state = '#';
  }
  return state;
};

const misplaced = (name: string): Error =>
  new Error(
    `The agent's template has {{${name}}} inside quotes, a comment or after a backslash. Write it bare: it is quoted for you.`,
  );

/**
 * Reads `AGENT_CLI_TEMPLATE`. Throws with a sentence for an empty template, an unknown placeholder, and one that stands inside quotes, a
 * comment, backquotes, a here-document or arithmetic. A value that starts with `-` and would start a word gets a space in front of it, so that it is no option;
 * `-- "$OKD_INTENT"` hands the value over as it is.
 */
export const parseTemplate = (template: string): Template => {
  if (template.trim() === '') throw new Error("The agent's template is empty. Write the command that starts the agent.");
  if (template.includes('\0')) throw new Error("The agent's template holds a NUL character. Write it as one line of text.");
  const parts: Part[] = [];
  let before = '';
  let from = 0;
  for (const match of template.matchAll(/\{\{([^{}]*)\}\}/g)) {
    const name = (match[1] ?? '').trim();
    if (!isPlaceholder(name)) {
      const known = Object.keys(VARIABLES).map((each) => `{{${each}}}`);
      throw new Error(`The agent's template has an unknown placeholder {{${name}}}. Known are ${known.join(' ')}.`);
    }
    const text = template.slice(from, match.index);
    before += text;
    if (stateAfter(before) !== 'plain' || /<<|\$\(\(|\$\{[^}]*$|\$$/.test(before)) throw misplaced(name);
    parts.push({ text }, { placeholder: name, startsWord: /(^|[\s;&|()])$/.test(before) });
    before += 'x';
    from = match.index + match[0].length;
  }
  parts.push({ text: template.slice(from) });

  const written = (part: Part, assignment: Assignment): string => {
    if ('text' in part) return part.text;
    const option = part.startsWord && values[part.placeholder](assignment).startsWith('-');
    return `"${option ? ' ' : ''}\${${VARIABLES[part.placeholder]}}"`;
  };
  return {
    program: /^\s*([\w./+-]+)(?=\s|$)/.exec(template)?.[1] ?? null,
    render: (assignment) => parts.map((part) => written(part, assignment)).join(''),
  };
};

/** Any CLI: one shell command, success is exit 0, progress is the last line it printed. */
export const templateProfile = (command: string, logins: Profile['logins']): Profile => {
  const template = parseTemplate(command);
  return {
    program: template.program,
    logins,
    required: false,
    probe: (program) => (program === '' ? ['/bin/true'] : ['/bin/sh', '-c', 'command -v -- "$1"', 'sh', program]),
    invocation: (assignment) => ({ argv: ['/bin/sh', '-c', template.render(assignment)], input: '', environment: {} }),
    reader: () => ({
      read: (line) => line,
      complaint: (exitCode) => (exitCode === 0 ? undefined : exitComplaint(exitCode)),
      meta: () => ({}),
    }),
  };
};
