import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cardKind } from '../../src/domain/card.ts';
import { chatKind } from '../../src/domain/chat/index.ts';
import { historyKind } from '../../src/domain/history/index.ts';
import { personKind } from '../../src/domain/person/index.ts';
import { taskKind } from '../../src/domain/task/index.ts';
import { CALLS, POINTS } from './points.ts';
import { SETUPS } from './setups.ts';
import { namesOf } from './staging/names.ts';
import { type EventAppend, type PartCall, UNPLAYED_CALLS, UNPLAYED_EVENTS } from './unplayed.ts';
import { PROVOKING } from './whims.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src');
const KINDS = [taskKind, cardKind, personKind, chatKind, historyKind];
const EVENTS = new Set(KINDS.flatMap(({ events }) => Object.keys(events)));
const PLAYED = Object.keys(CALLS);
const played = (what: string): boolean => PLAYED.some((call) => call === what || call.startsWith(`${what} (`));

/** Names that `pattern` finds in files of a folder. */
const foundIn = (folder: string, pattern: RegExp): ReadonlySet<string> =>
  new Set(
    readdirSync(join(SOURCES, folder))
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [...readFileSync(join(SOURCES, folder, name), 'utf8').matchAll(pattern)])
      .map(([, name = '']) => name),
  );
/** Of streams that are no kind's. */
const LOOSE = foundIn('infra', /'((?:Worker|Lease)[A-Z]\w+)'/g);

describe('The points of the laboratory', () => {
  it.each([...EVENTS, ...LOOSE])('are at the append of every event, or it is said why not: %s', (type) => {
    expect([played(`append ${type}`), `append ${type}` in UNPLAYED_EVENTS].filter(Boolean)).toHaveLength(1);
  });

  it.each([...foundIn('infra/telegram', /\bapi\.(\w+)\(/g)])('are at every call to Telegram: %s', (method) => {
    expect(PLAYED).toContain(`telegram.${method}`);
  });

  it('are at calls and appends that there are, which the compiler knows, and every other one has its reason', () => {
    const strange: Readonly<Record<Exclude<keyof typeof CALLS, EventAppend | PartCall | `telegram.${string}`>, never>> = {};
    expect(strange).toEqual({});
    for (const reason of Object.values({ ...UNPLAYED_CALLS, ...UNPLAYED_EVENTS })) expect(reason).toMatch(/^[A-Z].{30,}\.$/);
  });

  it.each(PLAYED.filter((call) => call.startsWith('append ')))('are met by the event: %s', (call) => {
    const [, type = '', stage] = /^append (\w+)(?: \((\w+)\))?$/.exec(call) ?? [];
    expect([...EVENTS, ...LOOSE]).toContain(type);
    for (const of of stage === undefined ? ['agent', null, undefined] : [stage])
      expect(namesOf('store', 'append', ['task-1', [{ type, data: { stage: of } }], 'any'])).toContain(call);
  });

  it.each(Object.keys(PROVOKING))('are where somebody provokes them: %s', (where) => {
    expect(POINTS.map((point) => point.where)).toContain(where);
  });

  it.each(Object.entries(PROVOKING))('are of setups only in which it can be provoked: %s by %s', (where, whim) => {
    const done = POINTS.find(({ play }) => play.family === 'people' && play.whim === whim);
    const points = POINTS.filter((point) => point.where === where);
    expect(SETUPS.filter((setup) => points.some(({ isOf }) => isOf(setup)) && !done?.isOf(setup))).toEqual([]);
  });
});
