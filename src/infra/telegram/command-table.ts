import type { Right } from '../../domain/decider.ts';
import { may, type Person } from '../../domain/person/index.ts';

interface Entry {
  /** In the menu, and in /help. */
  readonly says: string;
  /** What is typed after it; empty: nothing. */
  readonly takes: string;
  /** Which right, for any repository, makes it of use; `null`: of use to everyone. */
  readonly right: Right | null;
}

/** Every command, in the order of the menu. */
export const COMMANDS = {
  task: { says: 'Ask for a change', takes: '[repo=…] [base=…] [agent=…] [test="…"] what to change', right: 'request' },
  status: { says: 'What runs, and what waits for whom', takes: '[task]', right: 'read' },
  tasks: { says: 'Lists tasks', takes: '[mine|waiting|running|failed|done] [repo=…]', right: 'read' },
  approve: { says: 'Shows what to approve, or approves it', takes: 'task [digits]', right: 'approve' },
  reject: { says: 'Says no', takes: 'task [reason]', right: 'approve' },
  ask: { says: 'Asks back instead of approving', takes: 'task question', right: 'approve' },
  clarify: {
    says: 'Answers a question, or amends the request',
    takes: 'task [repo=…] [base=…] [agent=…] [test="…"] words',
    right: 'request',
  },
  retry: { says: 'Looks again at what was missing', takes: 'task', right: 'request' },
  rerun: { says: 'Starts another attempt', takes: 'task [feedback]', right: 'request' },
  cancel: { says: 'Stops a task', takes: 'task [reason]', right: 'request' },
  diff: { says: 'Shows the patch', takes: 'task', right: 'read' },
  logs: { says: 'Shows what the agent and the tests printed', takes: 'task [agent|tests]', right: 'read' },
  whoami: { says: 'Who you are here', takes: '', right: null },
  help: { says: 'How this works', takes: '', right: null },
  start: { says: 'Begins, or takes an invitation', takes: '[code]', right: null },
} as const satisfies Record<string, Entry>;

export type CommandName = keyof typeof COMMANDS;

const entries = Object.entries(COMMANDS) as [CommandName, Entry][]; // `Object.entries` forgets the names it was given.

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

export interface MenuEntry {
  readonly command: CommandName;
  readonly description: string;
}

const menu = (rights: ReadonlySet<Right>): readonly MenuEntry[] =>
  entries
    .filter(([, { right }]) => right === null || rights.has(right))
    .map(([command, { says }]) => ({ command, description: says }));

/** Rights that the person has for one repository or another. */
const rightsOf = (person: Person): ReadonlySet<Right> =>
  new Set(
    (['read', 'request', 'approve'] as const).filter((right) =>
      person.grants.some(({ repositories }) => may(person, { right, repo: repositories })),
    ),
  );

/** What a stranger is offered. */
export const strangersMenu = (): readonly MenuEntry[] => menu(new Set());
/** What a person can use, for one repository or another. */
export const menuOf = (person: Person): readonly MenuEntry[] => menu(rightsOf(person));
/** In a group nobody knows who will read the menu. */
export const groupsMenu = (): readonly MenuEntry[] => menu(new Set(['read', 'request', 'approve']));

/** The lines of /help: what is typed, and what it does. */
export const usageFor = (person: Person): readonly (readonly [typed: string, says: string])[] =>
  menuOf(person).map(({ command }) => [`/${command} ${COMMANDS[command].takes}`.trim(), COMMANDS[command].says]);

export const usageOf = (command: CommandName): string => `/${command} ${COMMANDS[command].takes}`.trim();
