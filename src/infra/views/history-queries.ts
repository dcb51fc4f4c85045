import type { DatabaseSync } from 'node:sqlite';
import { historyStream } from '../../domain/history/index.ts';
import { covered, decodeCursor, encodeCursor, pageSize } from './listing.ts';

export interface HistoryFilter {
  /** Only of repositories that one of these patterns names; what names no repository is for those who may read all of them. */
  readonly repositories: readonly string[];
  readonly cursor?: string;
  readonly limit: number;
}

export interface HistoryPage {
  /** Each a `HistorySummary` as JSON text; what came in last is first. */
  readonly history: readonly string[];
  /** `null`: there is no more. */
  readonly next: string | null;
}

/** A `HistoryView` as JSON text, and what a reader's rights are judged by. */
export interface FoundHistory {
  readonly repo: string | null;
  readonly json: string;
}

export const historyQueries = (database: DatabaseSync, named: (table: string) => string) => {
  const [history, list] = [named('history'), named('history_list')];
  const find = database.prepare(`SELECT h.document, l.repo FROM ${history} h JOIN ${list} l ON l.id = h.id WHERE h.stream = ?`);

  return {
    find(historyId: string): FoundHistory | undefined {
      const row = find.get(historyStream(historyId));
      return row && { repo: row.repo === null ? null : String(row.repo), json: String(row.document) };
    },
    /** Throws `InvalidCursor`. */
    list({ repositories, cursor, limit }: HistoryFilter): HistoryPage {
      const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeCursor(cursor);
      const wanted = pageSize(limit);
      const readable = covered(repositories);
      const rows = database
        .prepare(`SELECT id, summary FROM ${list} WHERE id < ? ${readable.sql} ORDER BY id DESC LIMIT ?`)
        .all(before, ...readable.values, wanted + 1);
      const shown = rows.slice(0, wanted);
      const last = shown.at(-1);
      return {
        history: shown.map(({ summary }) => String(summary)),
        next: rows.length > wanted && last ? encodeCursor(Number(last.id)) : null,
      };
    },
  };
};
