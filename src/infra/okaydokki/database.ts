import { DatabaseSync } from 'node:sqlite';
import { faultsOf, NotReadable, RECORDS_MAX, type Read, tooMany } from './reading.ts';
import { OkayDokkiTask, shortened } from './records.ts';

/** What a database of an older version has no columns for, as OkayDokki itself fills it in. */
const LATER: Readonly<Record<string, string>> = { delivery_strategy: 'rolling', base_branch: 'main' };

const COLUMNS = Object.keys(OkayDokkiTask.shape);

const NONE =
  'There is no database of OkayDokki there, or it cannot be read now. Stop OkayDokki, and name the file of its DATABASE_PATH.';

/** The columns of `tasks` to read. Throws `NotReadable` for another table. */
const columnsOf = (database: DatabaseSync): readonly string[] => {
  const there = new Set(
    database
      .prepare("SELECT name FROM pragma_table_info('tasks')")
      .all()
      .map(({ name }) => name),
  );
  const missing = COLUMNS.filter((column) => !there.has(column) && !Object.hasOwn(LATER, column));
  if (there.size === 0) throw new NotReadable(NONE);
  if (missing.length > 0) throw new NotReadable(`The table "tasks" has no ${missing.join(', ')}: OkayDokki did not make it.`);
  return COLUMNS.filter((column) => there.has(column));
};

function* rowsOf(file: string): Generator<Record<string, unknown>> {
  // For reading only: nothing of theirs is changed.
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    const columns = columnsOf(database).join(', ');
    yield* database.prepare(`SELECT rowid AS number, ${columns} FROM tasks ORDER BY created_at, rowid`).iterate();
  } finally {
    database.close();
  }
}

const readRow = ({ number, ...row }: Record<string, unknown>): Read<OkayDokkiTask> => {
  const place = { file: 'database', number: Number(number) } as const;
  const { data, error } = OkayDokkiTask.safeParse({ ...LATER, ...row });
  return data === undefined
    ? { ...place, faults: faultsOf(error) }
    : { ...place, record: { ...data, intent: shortened(data.intent) } };
};

/** What each row of the table `tasks` is, oldest first. Throws `NotReadable`. */
export function* readTasks(file: string): Generator<Read<OkayDokkiTask>> {
  let rows = 0;
  try {
    for (const row of rowsOf(file)) {
      if (++rows > RECORDS_MAX) throw tooMany('tasks');
      yield readRow(row);
    }
  } catch (error) {
    if (error instanceof Error && 'errcode' in error) throw new NotReadable(NONE, { cause: error });
    throw error;
  }
}
