import type { DatabaseSync } from 'node:sqlite';
import type { PeopleQueries } from '../../commands/ports/people-queries.ts';
import type { EventStore } from '../../domain/event-store.ts';
import type { Person } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import { PersonView } from '../../projections/people.ts';
import type { Views } from './views.ts';

export interface TokenOwner {
  readonly personId: string;
  readonly tokenId: string;
  /** `null`: it does not expire. Judged by the caller, who has a clock. */
  readonly expiresAt: string | null;
  readonly person: Person;
}

/** People, and whose a token, an account or a code is, as the view has it: decisions are made on their streams. */
export const peopleQueries = (database: DatabaseSync, named: (table: string) => string) => {
  const people = named('people');
  const byToken = database.prepare(
    `SELECT p.stream, p.state, k.token_id, k.expires_at FROM ${named('tokens')} k JOIN ${people} p ON p.id = k.id WHERE k.token_hash = ?`,
  );
  const byIdentity = database.prepare(
    `SELECT p.stream FROM ${named('identities')} i JOIN ${people} p ON p.id = i.id
     WHERE i.subject = ? AND i.channel = ? ORDER BY i.linked_at`,
  );
  const byInvitation = database.prepare(
    `SELECT p.stream FROM ${named('invitations')} i JOIN ${people} p ON p.id = i.id WHERE i.code_hash = ?`,
  );
  const state = database.prepare(`SELECT state FROM ${people} WHERE stream = ?`);
  const all = database.prepare(`SELECT document FROM ${people} WHERE document IS NOT NULL ORDER BY id`);

  return {
    personByTokenHash(tokenHash: string): TokenOwner | undefined {
      const row = byToken.get(tokenHash);
      return (
        row && {
          personId: String(row.stream),
          tokenId: String(row.token_id),
          expiresAt: row.expires_at === null ? null : String(row.expires_at),
          person: JSON.parse(String(row.state)),
        }
      );
    },
    /** Everybody the account is linked to, the earliest link first. */
    peopleByIdentity: (channel: string, subject: string): readonly string[] =>
      byIdentity.all(subject, channel).map(({ stream }) => String(stream)),
    personByInvitation(codeHash: string): string | undefined {
      const row = byInvitation.get(codeHash);
      return row && String(row.stream);
    },
    getPerson(personId: string): Person | undefined {
      const row = state.get(personId);
      return row && row.state !== null ? JSON.parse(String(row.state)) : undefined;
    },
    listPeople: (): readonly PersonView[] => all.all().map(({ document }) => PersonView.parse(JSON.parse(String(document)))),
  };
};

/** Longest wait for the views to come to a place of the log, in milliseconds. */
const VIEW_WAIT_MS = 5_000;

/** The same, whichever build of the views answers. */
export const peopleLookUps = (views: Pick<Views, 'queries' | 'waitFor'>, store: Pick<EventStore, 'head'>): PeopleQueries => ({
  peopleByIdentity: (channel, subject) => views.queries.peopleByIdentity(channel, subject),
  personByInvitation: (codeHash) => views.queries.personByInvitation(codeHash),
  chatBySubject: (channel, subject) => views.queries.chatBySubject(channel, subject),
  cardsIn: (subject) => views.queries.cards.idsIn(subject),
  fresh: async (position) => {
    const reached = await views.waitFor(position ?? (await store.head()) ?? '', VIEW_WAIT_MS);
    if (!reached) throw new DomainError('views-behind');
  },
});
