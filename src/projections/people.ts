import { z } from 'zod';
import type { Happened } from '../domain/event.ts';
import { PersonId, Uuid } from '../domain/ids.ts';
import { RepositoryPattern, Role } from '../domain/person/events.ts';
import { type Person, personKind } from '../domain/person/index.ts';
import { textOf } from '../domain/text.ts';
import type { Projection } from './projection.ts';

const at = z.iso.datetime({ precision: 3 });

/** A person as an admin sees one. Hashes of tokens are shown to nobody. */
export const PersonView = z.object({
  personId: PersonId,
  name: z.string(),
  roles: z.array(z.object({ role: Role, repositories: RepositoryPattern })),
  tokens: z.array(z.object({ tokenId: Uuid, name: z.string(), issuedAt: at, expiresAt: at.nullable() })),
});
export type PersonView = z.infer<typeof PersonView>;

const personView = ({ personId, name, grants, tokens }: Person): PersonView => ({
  personId,
  name: textOf(name),
  roles: [...grants],
  tokens: tokens.map((token) => ({
    tokenId: token.tokenId,
    name: textOf(token.name),
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
  })),
});

/** People, and whose a token is. */
export const peopleProjection: Projection<Person> = {
  name: 'people',
  version: 1,
  kind: personKind,
  tables: {
    tokens: {
      columns: { token_hash: 'TEXT NOT NULL', token_id: 'TEXT NOT NULL', expires_at: 'TEXT' },
      rowsPerStream: 'many',
      indexes: ['token_hash'],
    },
  },
  fold: (person, event) => personKind.evolve(person ?? null, event satisfies Happened) ?? undefined,
  show: (person) => ({
    document: JSON.stringify(personView(person)),
    rows: {
      tokens: person.tokens.map(({ tokenHash, tokenId, expiresAt }) => ({
        token_hash: tokenHash,
        token_id: tokenId,
        expires_at: expiresAt,
      })),
    },
  }),
};
