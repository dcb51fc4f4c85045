import { Argument, type Command } from 'commander';
import { z } from 'zod';
import { Role } from '../../../domain/person/events.ts';
import { moment } from '../../../projections/moments.ts';
import { type Api, pathOf } from '../api.ts';
import { type Deal, type Desk, shown } from '../desk.ts';
import { Failure, Misuse } from '../failure.ts';
import { indented, table } from '../layout.ts';
import { PeopleAnswer, people } from './task-documents.ts';

const DAY_MS = 86_400_000;
const DAYS_MAX = 3_650;

const Added = z.object({ person_id: z.string() });
const Issued = z.object({ token_id: z.string(), token: z.string() });
const Tokens = z.object({
  tokens: z.array(z.object({ token_id: z.string(), name: z.string(), issued_at: z.string(), expires_at: z.string().nullable() })),
});
const Stored = z.object({ position: z.string().nullable() });

type Person = z.infer<typeof PeopleAnswer>['people'][number];

const faintHeader =
  ({ terminal }: Desk) =>
  (text: string, row: number): string =>
    row < 0 ? terminal.ink('faint', text) : text;

/** The one person that was meant: by id, by the beginning of it, or by name. Throws `Failure`. */
const personOf = async (api: Api, typed: string): Promise<Person> => {
  const all = shown(await people(api), PeopleAnswer).people;
  const id = typed.startsWith('person-') ? typed : `person-${typed}`;
  const exact = all.filter(({ personId, name }) => personId === typed || name === typed);
  const found = exact.length > 0 ? exact : all.filter(({ personId }) => typed.length >= 6 && personId.startsWith(id));
  const [person, another] = found;
  if (person === undefined) throw new Failure('There is no such person. List them with "countersign person list".');
  if (another !== undefined) throw new Failure('More than one person is called so. Give the id, from "countersign person list".');
  return person;
};

const listPeople = async (desk: Desk): Promise<void> => {
  const document = await people(await desk.connect());
  desk.answer(document, PeopleAnswer, (answer) => {
    const rows = answer.people.map(({ name, personId, roles, tokens }) => [
      name,
      roles.map(({ role, repositories }) => `${role} of ${repositories}`).join(', ') || '(none)',
      String(tokens.length),
      personId,
    ]);
    const header = [{ title: 'name' }, { title: 'roles', flexible: true }, { title: 'tokens' }, { title: 'id' }];
    return indented(table(header, rows, faintHeader(desk), desk.terminal.tableColumns - 2), 2);
  });
};

const addPerson = async (desk: Desk, name: string): Promise<void> => {
  const api = await desk.connect();
  desk.answer(await api.send('POST', '/people', { body: { name } }), Added, ({ person_id }) => [
    `  ${person_id} is known now, and may do nothing yet. Usually next:`,
    `  countersign person grant ${person_id} requester`,
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

const expiry = (days: string | undefined): string | null => {
  if (days === undefined) return null;
  if (!/^\d{1,4}$/.test(days) || Number(days) < 1 || Number(days) > DAYS_MAX)
    throw new Misuse(`--days is a whole number from 1 to ${DAYS_MAX}.`);
  return new Date(Date.now() + Number(days) * DAY_MS).toISOString();
};

const issueToken = async (desk: Desk, typed: string, wish: { readonly name: string; readonly days?: string }): Promise<void> => {
  const expires_at = expiry(wish.days);
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  const document = await api.send('POST', pathOf`/people/${personId}/tokens`, { body: { name: wish.name, expires_at } });
  desk.answer(document, Issued, ({ token, token_id }) => [
    `  A token for ${name}. It is shown this once; only its hash is stored.`,
    '',
    `  ${token}`,
    '',
    `  It ${expires_at === null ? 'does not expire' : `expires ${moment(expires_at)}`}. To end it at once:`,
    `  countersign token revoke ${personId} ${token_id}`,
  ]);
};

const listTokens = async (desk: Desk, typed: string): Promise<void> => {
  const api = await desk.connect();
  const { personId } = await personOf(api, typed);
  desk.answer(await api.get(pathOf`/people/${personId}/tokens`), Tokens, ({ tokens }) => {
    if (tokens.length === 0) return ['  There are none. Issue one with: countersign token issue'];
    const rows = tokens.map(({ name, issued_at, expires_at, token_id }) => [
      name,
      moment(issued_at),
      expires_at === null ? 'never' : moment(expires_at),
      token_id,
    ]);
    const header = [{ title: 'name', flexible: true }, { title: 'issued' }, { title: 'expires' }, { title: 'id' }];
    return indented(table(header, rows, faintHeader(desk), desk.terminal.tableColumns - 2), 2);
  });
};

const revokeToken = async (desk: Desk, typed: string, tokenId: string): Promise<void> => {
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  const document = await api.send('DELETE', pathOf`/people/${personId}/tokens/${tokenId}`);
  desk.answer(document, Stored, () => [`  The token of ${name} is worthless from now on.`]);
};

const PERSON = ['<person>', 'an id, the beginning of it, or a name that only one person has'] as const;
const ROLE = new Argument('<role>', 'viewer reads, requester asks too, approver allows, admin does everything').choices(
  Role.options,
);
const PATTERN = '"*" for every repository, "org/*", or one name';

/** `person` and `token`: who may do what, and how they sign in. */
export const addPeopleCommands = (program: Command, deal: Deal): void => {
  const person = program.command('person').description('people and what they may do');
  person.command('list').description('everybody, with roles').action(deal(listPeople));
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

  const token = program.command('token').description('tokens for the API and this command line');
  token
    .command('issue')
    .description('make a token; it is shown once')
    .argument(...PERSON)
    .option('--name <name>', 'what it is for', 'command line')
    .option('--days <number>', 'how long it is good for; without end by default')
    .action(deal((desk, who: string, wish: { name: string; days?: string }) => issueToken(desk, who, wish)));
  token
    .command('list')
    .description('the tokens of a person, without the secrets')
    .argument(...PERSON)
    .action(deal((desk, who: string) => listTokens(desk, who)));
  token
    .command('revoke')
    .description('make a token worthless at once')
    .argument(...PERSON)
    .argument('<token-id>', 'from "countersign token list"')
    .action(deal((desk, who: string, tokenId: string) => revokeToken(desk, who, tokenId)));
};
