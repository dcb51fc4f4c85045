import type { Command } from 'commander';
import { z } from 'zod';
import { pathOf } from '../api.ts';
import type { Deal, Desk } from '../desk.ts';
import { indented, table } from '../layout.ts';
import type { Terminal } from '../terminal.ts';

export const ListedRepositories = z.object({ repositories: z.array(z.object({ name: z.string(), remote: z.string() })) });

const list = async (desk: Desk): Promise<void> => {
  const api = await desk.connect();
  const { terminal } = desk;
  desk.answer(await api.get('/repositories'), ListedRepositories, ({ repositories }) => {
    if (repositories.length === 0) return ['  There is no repository yet. Add one with: countersign repo add <url>'];
    const rows = repositories.map(({ name, remote }) => [name, remote === '' ? '(its remote does not answer)' : remote]);
    const paint = (text: string, row: number): string => (row < 0 ? terminal.ink('faint', text) : text);
    return indented(
      table([{ title: 'repository' }, { title: 'remote', flexible: true }], rows, paint, terminal.tableColumns - 2),
      2,
    );
  });
};

export const AddedRepository = z.object({
  name: z.string(),
  checks: z.array(z.object({ direction: z.enum(['fetch', 'push']), ok: z.boolean(), sentence: z.string() })),
  has_configuration: z.boolean(),
  proposal: z.object({ text: z.string(), sentences: z.array(z.string()) }).nullable(),
  elsewhere: z.string().nullable(),
});

const proposed = (text: string): string[] => [
  '  Proposed for its .countersign.yml; commit it there, or set the same for all repositories in .env:',
  '',
  ...indented(text.trimEnd().split('\n'), 4),
];

/** What was found in a repository that was added, and what could be written into it. */
export const addedLines = (
  { name, checks, has_configuration, proposal, elsewhere }: z.infer<typeof AddedRepository>,
  { ink }: Pick<Terminal, 'ink'>,
): string[] => [
  `  ${name} can be asked for now.`,
  ...checks.map(
    ({ direction, ok, sentence }) => `  ${ink(ok ? 'good' : 'bad', ok ? 'PASS' : 'FAIL')}  ${direction}: ${sentence}`,
  ),
  ...(elsewhere === null ? [] : [`  ${elsewhere}`]),
  ...(has_configuration ? ['  It says itself how it is tested (.countersign.yml, or okaydokki.yaml).'] : []),
  ...(proposal === null
    ? []
    : [...proposal.sentences.map((sentence) => `  ${sentence}`), ...(proposal.text === '' ? [] : proposed(proposal.text))]),
];

const add = async (desk: Desk, url: string, { name }: { readonly name?: string }): Promise<void> => {
  const api = await desk.connect();
  const document = await api.send('POST', '/repositories', { body: { url, ...(name !== undefined && { name }) } });
  desk.answer(document, AddedRepository, (added) => [
    ...addedLines(added, desk.terminal),
    '',
    `  countersign task add --repo ${added.name} "…"`,
  ]);
};

const remove = async (desk: Desk, name: string): Promise<void> => {
  const api = await desk.connect();
  const document = await api.send('DELETE', pathOf`/repositories/${name}`);
  desk.answer(document, z.object({ removed: z.string() }), ({ removed }) => [
    `  ${removed} is gone from here. Its remote was not touched.`,
  ]);
};

/** `repo`: what changes can be asked for. */
export const addRepositoryCommands = (program: Command, deal: Deal): void => {
  const repo = program.command('repo').description('repositories that changes can be asked for');
  repo.command('list').description('those you may read').action(deal(list));
  repo
    .command('add')
    .description('clone a snapshot; the service fetches from its origin and pushes branches there')
    .argument('<url>', 'https, ssh, or a path of the machine of the service')
    .option('--name <name>', 'name or org/name; the last two parts of the address by default')
    .action(deal((desk, url: string, wish: { name?: string }) => add(desk, url, wish)));
  repo
    .command('remove')
    .description('forget a snapshot; the remote stays as it is')
    .argument('<name>')
    .action(deal((desk, name: string) => remove(desk, name)));
};
