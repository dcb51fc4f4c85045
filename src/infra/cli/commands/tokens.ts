import type { Command } from 'commander';
import { z } from 'zod';
import { moment } from '../../../projections/moments.ts';
import { pathOf } from '../api.ts';
import type { Deal, Desk } from '../desk.ts';
import { Misuse } from '../failure.ts';
import { indented, table } from '../layout.ts';
import { faintHeader, PERSON, personOf, Stored } from './named-person.ts';

const DAY_MS = 86_400_000;
const DAYS_MAX = 3_650;

const Issued = z.object({ token_id: z.string(), token: z.string() });
const Tokens = z.object({
  tokens: z.array(
    z.object({
      token_id: z.string(),
      name: z.string(),
      issued_at: z.string(),
      expires_at: z.string().nullable(),
      last_used_on: z.string().nullable(),
    }),
  ),
});

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
    const rows = tokens.map(({ name, issued_at, expires_at, last_used_on, token_id }) => [
      name,
      moment(issued_at),
      expires_at === null ? 'never' : moment(expires_at),
      last_used_on ?? 'never',
      token_id,
    ]);
    const titles = ['issued', 'expires', 'last used', 'id'].map((title) => ({ title }));
    const header = [{ title: 'name', flexible: true }, ...titles];
    return indented(table(header, rows, faintHeader(desk), desk.terminal.tableColumns - 2), 2);
  });
};

const revokeToken = async (desk: Desk, typed: string, tokenId: string): Promise<void> => {
  const api = await desk.connect();
  const { personId, name } = await personOf(api, typed);
  const document = await api.send('DELETE', pathOf`/people/${personId}/tokens/${tokenId}`);
  desk.answer(document, Stored, () => [`  The token of ${name} is worthless from now on.`]);
};

/** `token`: how people sign in at the API and this command line. */
export const addTokenCommands = (program: Command, deal: Deal): void => {
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
    .description('the tokens of a person and when each was last used, without the secrets')
    .argument(...PERSON)
    .action(deal((desk, who: string) => listTokens(desk, who)));
  token
    .command('revoke')
    .description('make a token worthless at once')
    .argument(...PERSON)
    .argument('<token-id>', 'from "countersign token list"')
    .action(deal((desk, who: string, tokenId: string) => revokeToken(desk, who, tokenId)));
};
