import type { DatabaseSync } from 'node:sqlite';
import { cardQueries } from './card-queries.ts';
import { chatQueries } from './chat-queries.ts';
import { historyQueries } from './history-queries.ts';
import { peopleQueries } from './people-queries.ts';
import type { ViewStanding } from './slot.ts';
import { taskQueries } from './task-queries.ts';
import { tableName } from './view-tables.ts';
import { workQueries } from './work-queries.ts';

/** Names the real tables of the builds that answer, by projection. */
interface Answering {
  readonly tasks: (table: string) => string;
  readonly people: (table: string) => string;
  readonly chats: (table: string) => string;
  readonly cards: (table: string) => string;
  readonly history: (table: string) => string;
}

/** The tables that answer in `views`. */
export const answeringIn = (views: readonly Pick<ViewStanding, 'name' | 'answering'>[]): Answering =>
  Object.fromEntries(
    views.map(({ name, answering: { version, build } }) => [name, (table: string) => tableName(table, version, build)]),
  ) as unknown as Answering; // There is one of each: projections.ts.

/** Everything that is asked of the views. Throws what SQLite throws when the tables of `answering` are not those this code knows. */
export const viewQueries = (database: DatabaseSync, answering: Answering) => ({
  ...taskQueries(database, answering.tasks),
  ...peopleQueries(database, answering.people),
  ...chatQueries(database, answering.chats),
  work: workQueries(database, answering.tasks),
  cards: cardQueries(database, answering.cards, answering.tasks),
  history: historyQueries(database, answering.history),
});

export type ViewQueries = ReturnType<typeof viewQueries>;
