import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { Role } from '../../../domain/person/events.ts';
import { moment } from '../../../projections/moments.ts';
import { PersonView } from '../../../projections/people.ts';
import { pathOf } from '../api.ts';
import type { Deal, Desk } from '../desk.ts';
import { Failure } from '../failure.ts';
import { fields, indented, table } from '../layout.ts';
import { addAccountCommands } from './accounts.ts';
import { faintHeader, PERSON, personOf, Stored } from './named-person.ts';
import { PeopleAnswer, people } from './task-documents.ts';

const Added = z.object({ person_id: z.string() });
const Roles = z.array(z.object({ role: z.string(), repositories: z.string() }));
const WhoAmI = z.object({
  person_id: z.string(),
  name: z.string(),
  roles: Roles,
  identities: z.array(z.object({ channel: z.string(), subject: z.string() })),
});

const rolesLine = (roles: z.infer<typeof Roles>): string =>
  roles.map(({ role, repositories }) => `${role} of ${repositories}`).join(', ') || '(none)';

const pageOf = ({ terminal }: Desk, entries: readonly (readonly [string, string])[]): string[] =>
  indented(
    fields(entries, terminal.columns - 2, (label) => terminal.ink('faint', label)),
    2,
  );

const listPeople = async (desk: Desk): Promise<void> => {
  const document = await people(await desk.connect());
  desk.answer(document, PeopleAnswer, (answer) => {
    const rows = answer.people.map(({ name, personId, roles, tokens }) => [
      name,
      rolesLine(roles),
      String(tokens.length),
      personId,
    ]);
    const header = [{ title: 'name' }, { title: 'roles', flexible: true }, { title: 'tokens' }, { title: 'id' }];
    return indented(table(header, rows, faintHeader(desk), desk.terminal.tableColumns - 2), 2);
  });
};

const showPerson = async (desk: Desk, typed: string): Promise<void> => {
  const api = await desk.connect();
  const { personId } = await personOf(api, typed);
  const document = await api.get(pathOf`/people/${personId}`);
  desk.answer(document, z.object({ person: PersonView }), ({ person }) =>
    pageOf(desk, [
      ['name', person.name],
      ['id', person.personId],
      ['roles', rolesLine(person.roles)],
      ['accounts', person.identities.map(({ channel, subject }) => `${channel} ${subject}`).join(', ') || '(none)'],
      [
        'open codes',
        person.invitations.map(({ channel, expiresAt }) => `${channel}, until ${moment(expiresAt)}`).join('\n') || '(none)',
      ],
      [
        'tokens',
        person.tokens
          .map(({ name, lastUsedOn }) => `${name} (${lastUsedOn === null ? 'never used' : `last used ${lastUsedOn}`})`)
          .join('\n') || '(none)',
      ],
    ]),
  );
};

const whoAmI = async (desk: Desk): Promise<void> => {
  const api = await desk.connect();
  desk.answer(await api.get('/whoami'), WhoAmI, (me) =>
    pageOf(desk, [
      ['name', me.name],
      ['id', me.person_id],
      ['roles', rolesLine(me.roles)],
      ['accounts', me.identities.map(({ channel, subject }) => `${channel} ${subject}`).join(', ') || '(none)'],
    ]),
  );
};

const addPerson = async (desk: Desk, name: string): Promise<void> => {
  const api = await desk.connect();
  desk.answer(await api.send('POST', '/people', { body: { name } }), Added, ({ person_id }) => [
    `  ${person_id} is known now, and may do nothing yet. Usually next:`,
    `  countersign person grant ${person_id} requester`,
    `  countersign person invite ${person_id}`,
    `  countersign token issue ${person_id}`,
  ]);
};

const changeRole = async (
  desk: Desk,
  method: 'POST' | 'DELETE',
  typed: string,
  role: string,
  repositories: string,
): Promise<void> => {
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  const document = await api.send(method, pathOf`/people/${personId}/roles`, { body: { role, repositories } });
  const where = repositories === '*' ? 'every repository' : repositories;
  desk.answer(document, Stored, () => [`  ${name} is ${method === 'POST' ? 'now' : 'no longer'} ${role} of ${where}.`]);
};

/** Nothing brings back what is erased, so a person is asked; a script says `--yes`. */
const erasePerson = async (desk: Desk, typed: string, { yes = false }: { readonly yes?: boolean }): Promise<void> => {
  const { terminal } = desk;
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  if (!yes) {
    if (!terminal.isInteractive) throw new Failure(`This erases ${name} for good. Say so with --yes.`);
    terminal.print(
      `  ${name} loses every role, token, account and code at once. The name is then erased from the log, the views and the`,
      '  audit, which still verifies. What they asked for and allowed stays, as done by somebody erased. This cannot be undone.',
    );
    if (!(await terminal.confirm(`  Erase ${name}?`))) throw new Failure('Nothing was erased.');
  }
  const document = await api.send('DELETE', pathOf`/people/${personId}`);
  desk.answer(document, Stored, () => [`  ${personId} is nobody here any more.`]);
};

const ROLE = new Argument('<role>', 'viewer reads, requester asks too, approver allows, admin does everything').choices(
  Role.options,
);
const PATTERN = '"*" for every repository, "org/*", or one name';

/** `person` and `whoami`: who may do what. */
export const addPeopleCommands = (program: Command, deal: Deal): void => {
  program.command('whoami').description('who you are here, and what you may do').action(deal(whoAmI));
  const person = program.command('person').description('people, what they may do, and who they are elsewhere');
  person.command('list').description('everybody, with roles').action(deal(listPeople));
  person
    .command('show')
    .description('one person: roles, accounts, open codes, tokens')
    .argument(...PERSON)
    .action(deal((desk, who: string) => showPerson(desk, who)));
  person
    .command('add')
    .description('make a person known')
    .argument('<name>')
    .action(deal((desk, name: string) => addPerson(desk, name)));
  for (const [verb, method, about] of [
    ['grant', 'POST', 'give a person a role'],
    ['revoke', 'DELETE', 'take a role back; it counts at once'],
  ] as const) {
    person
      .command(verb)
      .description(about)
      .argument(...PERSON)
      .addArgument(ROLE)
      .argument('[repositories]', PATTERN, '*')
      .action(deal((desk, who: string, role: string, where: string) => changeRole(desk, method, who, role, where)));
  }
  addAccountCommands(person, deal);
  person
    .command('erase')
    .description('end everything a person has here and erase what is known of them, for good')
    .argument(...PERSON)
    .option('--yes', 'without being asked')
    .action(deal((desk, who: string, wish: { yes?: boolean }) => erasePerson(desk, who, wish)));
};
