import { z } from 'zod';
import type { Happened } from '../domain/event.ts';
import { PersonId, Uuid } from '../domain/ids.ts';
import { type PersonEvent, RepositoryPattern, Role } from '../domain/person/events.ts';
import { nameOf, type Person, personKind } from '../domain/person/index.ts';
import { textDigest, textOf } from '../domain/text.ts';
import type { Projection } from './projection.ts';

const at = z.iso.datetime({ precision: 3 });

/** A person as an admin sees one. Hashes of tokens and codes are shown to nobody. */
export const PersonView = z.object({
  personId: PersonId,
  /** `erased` for somebody who was. */
  name: z.string(),
  erased: z.boolean(),
  roles: z.array(z.object({ role: Role, repositories: RepositoryPattern })),
  tokens: z.array(
    z.object({
      tokenId: Uuid,
      name: z.string(),
      issuedAt: at,
      expiresAt: at.nullable(),
      /** Day of the last use in UTC. */
      lastUsedOn: z.iso.date().nullable(),
    }),
  ),
  identities: z.array(z.object({ channel: z.string(), subject: z.string(), linkedAt: at })),
  /** Codes that were neither redeemed nor withdrawn; perhaps expired. */
  invitations: z.array(z.object({ invitationId: Uuid, channel: z.string(), madeAt: at, expiresAt: at })),
});
export type PersonView = z.infer<typeof PersonView>;

/** Where each link stands in the log, by the digest of its subject: of two people with one account, the earlier has it. */
export interface PlacedPerson extends Person {
  readonly linkedAt: Readonly<Record<string, string>>;
}

export const personView = (person: Person): PersonView => ({
  personId: person.personId,
  name: nameOf(person),
  erased: person.standing !== 'known',
  roles: [...person.grants],
  tokens: person.tokens.map(({ tokenId, name, issuedAt, expiresAt, lastUsedOn }) => ({
    tokenId,
    name: textOf(name),
    issuedAt,
    expiresAt,
    lastUsedOn,
  })),
  identities: person.identities.map(({ channel, subject, linkedAt }) => ({ channel, subject: textOf(subject), linkedAt })),
  invitations: person.invitations.map(({ invitationId, channel, madeAt, expiresAt }) => ({
    invitationId,
    channel,
    madeAt,
    expiresAt,
  })),
});

/** People, and whose a token, an account or a code is. */
export const peopleProjection: Projection<PlacedPerson> = {
  name: 'people',
  version: 2,
  kind: personKind,
  tables: {
    tokens: {
      columns: { token_hash: 'TEXT NOT NULL', token_id: 'TEXT NOT NULL', expires_at: 'TEXT' },
      rowsPerStream: 'many',
      indexes: ['token_hash'],
    },
    identities: {
      columns: { channel: 'TEXT NOT NULL', subject: 'TEXT NOT NULL', linked_at: 'TEXT NOT NULL' },
      rowsPerStream: 'many',
      indexes: ['subject, channel, linked_at'],
    },
    invitations: {
      columns: { code_hash: 'TEXT NOT NULL' },
      rowsPerStream: 'many',
      indexes: ['code_hash'],
    },
  },
  fold: (before, seen) => {
    const event = seen as PersonEvent & typeof seen; // Parsed by the schema that its type names.
    const person = personKind.evolve(before ?? null, event satisfies Happened);
    if (!person) return undefined;
    const linkedAt = before?.linkedAt ?? {};
    if (event.type !== 'IdentityLinked') return { ...person, linkedAt };
    return { ...person, linkedAt: { ...linkedAt, [textDigest(event.data.subject)]: event.position } };
  },
  show: (person) => ({
    document: JSON.stringify(personView(person)),
    rows: {
      tokens: person.tokens.map(({ tokenHash, tokenId, expiresAt }) => ({
        token_hash: tokenHash,
        token_id: tokenId,
        expires_at: expiresAt,
      })),
      identities: person.identities.map(({ channel, subject }) => ({
        channel,
        subject: textOf(subject),
        linked_at: person.linkedAt[textDigest(subject)] ?? '',
      })),
      invitations: person.invitations.map(({ codeHash }) => ({ code_hash: codeHash })),
    },
  }),
};
