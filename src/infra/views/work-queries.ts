import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

export interface PendingStep {
  readonly stream: string;
  readonly step: { readonly key: string; readonly kind: string; readonly notBefore?: string; readonly claimedBy?: string };
  readonly repo: string;
  readonly person: string;
}

/** After every time. */
const FOREVER = '~';

type Row = Record<string, SQLOutputValue>;

const pending = (row: Row): PendingStep => ({
  stream: String(row.stream),
  step: {
    key: String(row.key),
    kind: String(row.kind),
    ...(row.not_before !== '' && { notBefore: String(row.not_before) }),
    ...(row.claimed_by !== null && { claimedBy: String(row.claimed_by) }),
  },
  repo: String(row.repo),
  person: String(row.person),
});

/** What the runner has to do. */
export const workQueries = (database: DatabaseSync, named: (table: string) => string) => {
  const work = named('work');
  const pendingSteps = `SELECT t.stream, w.* FROM ${work} w JOIN ${named('tasks')} t ON t.id = w.id
    WHERE t.stream NOT IN (SELECT stream FROM parked WHERE tables = '${named('tasks')}')`;
  // The rows of one kind in the order of an index (not the one of claims: nearly all have none), so that many cost no more than the few asked for.
  const dueWhere = (isDue: string) =>
    database.prepare(
      `${pendingSteps} AND w.kind = :kind AND ${isDue} AND +w.claimed_by IS NULL ORDER BY w.not_before, w.id LIMIT :limit`,
    );
  const due = dueWhere('w.not_before <= :now');
  // Those between the two are few, and read past: a union of two ranges would be sorted first.
  const dueRetries = dueWhere('(+w.not_before <= :now OR +w.not_before > :believedUntil)');
  // From each repository and person to the next: as many steps in an index as there are pairs, however many rows each has. The first is none.
  const pairs = `WITH RECURSIVE pairs(id, repo, person) AS (
      SELECT NULL, :repo, :person UNION ALL
      SELECT n.id, n.repo, n.person FROM pairs p JOIN ${work} n ON n.id = coalesce(
        (SELECT id FROM ${work} WHERE kind = :kind AND repo = p.repo AND person > p.person ORDER BY person LIMIT 1),
        (SELECT id FROM ${work} WHERE kind = :kind AND repo > p.repo ORDER BY repo, person LIMIT 1)
      ) LIMIT :max + 1
    )`;
  const page = database.prepare(`${pairs} SELECT repo, person FROM pairs WHERE id IS NOT NULL`);
  const dueByPair = database.prepare(
    `${pairs} ${pendingSteps} AND w.id IN (
      SELECT o.id FROM pairs p JOIN ${work} o ON o.id IN (
        SELECT id FROM ${work} WHERE kind = :kind AND repo = p.repo AND person = p.person
        AND (+not_before <= :now OR +not_before > :believedUntil) AND +claimed_by IS NULL ORDER BY not_before, id LIMIT :each
      ) WHERE p.id IS NOT NULL
    ) ORDER BY w.not_before, w.id`,
  );
  /** Where the last page of pairs ended, by kind. */
  const ends = new Map<string, Row>();
  // A range of the index of claims: they are few among many that are pending.
  const claimed = database.prepare(`${pendingSteps} AND w.claimed_by > ''`);
  const next = database.prepare(`SELECT min(not_before) AS at FROM ${work} WHERE not_before > ?`);

  return {
    due(kind: string, now: string, limit: number, believedUntil?: string): readonly PendingStep[] {
      const asked = { kind, now, limit };
      return (believedUntil === undefined ? due.all(asked) : dueRetries.all({ ...asked, believedUntil })).map(pending);
    },
    dueByPair(kind: string, now: string, each: number, limit: number, believedUntil = FOREVER): readonly PendingStep[] {
      const max = Math.max(1, Math.floor(limit / each));
      const { repo = '', person = '' } = ends.get(kind) ?? {};
      const here = { kind, repo, person, max };
      const last = page.all(here)[max - 1];
      if (last) ends.set(kind, last);
      else ends.delete(kind);
      return dueByPair.all({ ...here, now, each, believedUntil }).map(pending);
    },
    claimed: (): readonly PendingStep[] => claimed.all().map(pending),
    nextAt(now: string): string | undefined {
      const at = next.get(now)?.at;
      return typeof at === 'string' ? at : undefined;
    },
  };
};
