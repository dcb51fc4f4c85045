import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { byHttp, type Calling, type Fortune } from './callers.ts';
import type { Chance } from './chance.ts';
import { elsewhere } from './elsewhere.ts';
import { type Newcomer, newcomer } from './newcomers.ts';
import { DAY_MS } from './points.ts';
import type { Site } from './site.ts';
import type { Service } from './supervision.ts';
import { createWhims, type Whims } from './whims.ts';
import { inTelegram, readAlong } from './writers.ts';

/** From one day that goes by without an answer to the next, at least, in milliseconds: each ends every attempt that waits for one. */
const BETWEEN_DAYS_MS = 4_000;

/** Something that a person wants to have done, and goes on about until it is. */
export interface Wish {
  /** Stands in the request, so that the log can be asked which task it became. */
  readonly words: string;
  /** The private chat it was written in; `null` over HTTP. */
  readonly chat: number | null;
  /** Resolves when the person sees that it is done, or gave up. */
  readonly over: Promise<void>;
  isOver(): boolean;
  /** Attempts that the person saw fail. */
  failures(): number;
  /** Attempts that the person asked for after one was delivered. */
  updates(): number;
}

export interface People extends Pick<Whims, 'have' | 'provoke'> {
  /** Somebody asks for something: over HTTP, or in Telegram while there are writers left. */
  ask(): void;
  readonly wishes: readonly Wish[];
  readonly newcomers: readonly Newcomer[];
  /** Wishes that are not fulfilled yet, and newcomers who are not gone again. */
  open(): number;
  /** Nobody waits for anything any more. */
  leave(): Promise<void>;
}

type PeoplesSite = Pick<Site, 'telegram' | 'writers' | 'group' | 'token' | 'nodes'> &
  Pick<Calling, 'doors'> & {
    readonly origin: Pick<Site['origin'], 'pushToMain'>;
    readonly services: readonly Pick<Service, 'signal' | 'setClock' | 'skewMs'>[];
  };

export const gatherPeople = (site: PeoplesSite, chance: Chance, onlyInTelegram: boolean): People => {
  const { doors, telegram, writers, group, token, origin, services, nodes } = site;
  const isErasable = nodes === null;
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const wishes: Wish[] = [];
  const newcomers: Newcomer[] = [];
  let written = 0;
  let running = Promise.withResolvers<void>();
  let dayAt = Number.NEGATIVE_INFINITY;

  const wait = (ms: number): Promise<void> => pause(ms, undefined, { signal: leaving.signal });
  const comeAndGo = async (): Promise<void> => {
    const { somebody, gone } = newcomer({ door: doors[0], telegram, wait }, newcomers.length, isErasable);
    newcomers.push(somebody);
    await gone;
  };
  const whims = createWhims({
    ...elsewhere({ ...site, running: () => running.promise }, chance.of('elsewhere'), wait),
    'somebody new comes and goes': comeAndGo,
  });
  const day = async (): Promise<boolean> => {
    if (performance.now() - dayAt < BETWEEN_DAYS_MS) return false;
    dayAt = performance.now();
    await Promise.all(services.map((service) => service.setClock(service.skewMs() + DAY_MS)));
    return true;
  };
  const sawRunning = (): void => {
    running.resolve();
    running = Promise.withResolvers();
  };
  const calling = { doors, token, chance, wait, pushToMain: origin.pushToMain, day, sawRunning };
  const writing = { telegram, chance, wait };

  const begin = (words: string, chat: number | null, going: (fortune: Fortune) => Promise<void>): void => {
    let isOver = false;
    let [failures, updates] = [0, 0];
    const over = going({ failed: () => void failures++, updated: () => void updates++ })
      .then(() => {
        isOver = true;
      })
      .catch(() => undefined); // Whoever leaves sees nothing; the checker asks the log.
    wishes.push({ words, chat, over, isOver: () => isOver, failures: () => failures, updates: () => updates });
  };
  const reading = group ? readAlong(writing, group).catch(() => undefined) : undefined;

  return {
    ...whims,
    ask: () => {
      const words = `wish ${wishes.length + 1}-${randomUUID().slice(0, 8)}`;
      const writer = onlyInTelegram || chance.below(2) === 0 ? writers[written] : undefined;
      const feels = whims.feeling(chance, !writer);
      if (writer) {
        written++;
        begin(words, writer.id, (fortune) => inTelegram(writing, words, writer, feels, fortune));
      } else begin(words, null, (fortune) => byHttp(calling, words, feels, fortune));
    },
    wishes,
    newcomers,
    open: () => [...wishes, ...newcomers].filter((one) => !one.isOver()).length,
    leave: async () => {
      leaving.abort();
      await Promise.all([reading, ...wishes.map(({ over }) => over)]);
    },
  };
};
