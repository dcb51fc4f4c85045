import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDispatch } from '../../src/commands/dispatch.ts';
import { createPeople } from '../../src/commands/people.ts';
import { systemClock } from '../../src/commands/ports/clock.ts';
import { createStreams } from '../../src/commands/streams.ts';
import type { Kind } from '../../src/domain/decider.ts';
import { may, personKind } from '../../src/domain/person/index.ts';
import { ensureLocalAdmin } from '../../src/infra/local-admin.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';

const place = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  const store = openSqliteStore({ file: join(folder, 'log.db') });
  onTestFinished(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const streams = createStreams(store);
  const people = createPeople(streams);
  const dispatch = createDispatch({ store, streams, people, kinds: [personKind as Kind] });
  const file = join(folder, 'local-admin.json');
  return { file, people, dispatch, ensure: () => ensureLocalAdmin(file, { dispatch, people, clock: systemClock }) };
};

describe('The local administrator', () => {
  it('is made once, may do everything, and stands in a file for this user only', async () => {
    const { file, people, ensure } = await place();
    const made = await ensure();
    expect(await ensure()).toEqual(made);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(made);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const person = await people.get(made.personId);
    expect(person && may(person, { right: 'administer', repo: '*' })).toBe(true);
  });

  it.each(['', '{"personId":"person-', 'null', '{}'])('is made again when the file holds %j', async (text) => {
    const { file, ensure } = await place();
    const before = await ensure();
    await writeFile(file, text);
    const after = await ensure();
    expect(after.personId).not.toBe(before.personId);
    expect(await ensure()).toEqual(after);
  });

  it('is made again when they may not administer everything any more: nobody else may be left who can grant it', async () => {
    const { people, dispatch, ensure } = await place();
    const before = await ensure();
    const data = { personId: before.personId, role: 'admin', repositories: '*' };
    await dispatch({
      id: randomUUID(),
      type: 'RevokeRole',
      data,
      actor: 'system:test',
      channel: 'system',
      at: systemClock.now(),
    });
    const after = await ensure();
    const person = await people.get(after.personId);
    expect(person && may(person, { right: 'administer', repo: '*' })).toBe(true);
    expect(await ensure()).toEqual(after);
  });

  it('leaves nothing of a file that a killed process was writing, once that is old', async () => {
    const { file, ensure } = await place();
    const [old, fresh] = [`${file}.${randomUUID()}`, `${file}.${randomUUID()}`];
    for (const left of [old, fresh]) await writeFile(left, '{"personId":"person-');
    await utimes(old, 1, 1);
    await ensure();
    const names = (await readdir(join(file, '..'))).filter((name) => name.startsWith('local-admin.json.'));
    expect(names.map((name) => join(file, '..', name))).toEqual([fresh]);
  });
});
