import type { Person } from '../../domain/person/index.ts';
import { nameOf } from '../../domain/person/index.ts';
import type { HealthReport } from '../http/context.ts';
import { type CommandName, usageFor, usageOf } from './command-table.ts';
import { bold, code, type Html, html, join } from './html.ts';
import type { Sender } from './update.ts';

/** What a stranger learns: who they are to us, and how to be let in. */
export const strangerReply = ({ id }: Sender): Html =>
  html`You are not known here, so nothing was done.\nYour Telegram id is ${code(id)}. An admin can let you in with it, or send you a code: then write ${code('/start CODE')} to me in private.`;

/** The same for a button that was pressed, without markup. */
export const strangerAnswer = ({ id }: Sender): string =>
  `You are not known here, so nothing was done. Your Telegram id is ${id}; an admin can let you in with it.`;

export const strangersHelp = (sender: Sender): Html =>
  join(
    [html`I turn a request for a change into a Draft pull request, once people have allowed it.`, strangerReply(sender)],
    '\n\n',
  );

export const helpReply = (person: Person): Html =>
  join(
    [
      html`I turn a request for a change into a Draft pull request. Nothing runs, and nothing is delivered, before a person has allowed exactly that.`,
      join(usageFor(person).map(([typed, says]) => html`${code(typed)}\n${says}`)),
      html`A task is named by the beginning of its id, 6 digits at least. ${code('/task')} as an answer to a message takes that message as what to change. What you left out is taken from your last task.`,
    ],
    '\n\n',
  );

export const whoamiReply = (person: Person, { id }: Sender, groupId: string | null): Html =>
  join([
    html`You are ${bold(nameOf(person))} here.`,
    person.grants.length === 0
      ? html`You have no role yet. An admin can grant you one.`
      : html`Roles: ${person.grants.map(({ role, repositories }) => `${role} for ${repositories === '*' ? 'every repository' : repositories}`).join(', ')}.`,
    html`Your Telegram id is ${code(id)}.`,
    groupId === null ? null : html`This group has the id ${code(groupId)}.`,
  ]);

export const welcomeReply = (person: Person): Html =>
  join([html`Welcome, ${bold(nameOf(person))}. This account is you here from now on.`, helpReply(person)], '\n\n');

export const usageReply = (command: CommandName): Html => html`Write it like this: ${code(usageOf(command))}`;

export const textOnlyReply: Html = html`I read text only, for now. Write what should be changed after ${code('/task')}.`;

/** Words alone change nothing: only a command, or an answer to a question, does. */
export const plainWordsReply: Html = html`I took that for nothing: only commands count. To ask for a change, write ${code('/task')} and then what should be changed. ${code('/help')} says more.`;

export const notAnAnswerReply: Html = html`That message asks for no words. Press a button under it, or write a command; ${code('/help')} lists them.`;

export const unknownCommandReply: Html = html`There is no such command. ${code('/help')} lists them.`;

export const anonymousReply: Html = html`I must know who asks. Write as yourself, not in the name of a group or a channel.`;

export const groupNotAllowedReply = (groupId: string): Html =>
  html`I do not work in this group yet (its id is ${code(groupId)}). An admin of Countersign can allow it with the button.`;

/** How the service is, in one line. */
export const healthLine = ({ components }: HealthReport): string => {
  const failing = components.filter(({ status }) => status === 'fail').map(({ name }) => name);
  const warned = components.filter(({ status }) => status === 'warn').length;
  if (failing.length > 0) return `Not well: ${failing.join(', ')}.`;
  return warned === 0 ? 'Everything answers.' : `Everything answers; ${warned} ${warned === 1 ? 'warning' : 'warnings'}.`;
};
