import { type BatchReport, playBatch } from './batch.ts';
import { chanceOf } from './chance.ts';
import { type Point, pointsOf, type StoreKind } from './points.ts';
import type { Mutant } from './staging/edits.ts';

/** Points of one batch. */
export const BATCH_POINTS = 40;
/** Batches, by their number in turn: EventStoreDB has fewer points of its own. */
const STORES: readonly StoreKind[] = ['sqlite', 'double', 'sqlite'];
/** Some points are missed, so there are more batches than are needed when all is met. */
const BATCHES_SPARE = 2;

export interface RunOptions {
  readonly failures: number;
  readonly seed: string;
  /** Both, in turn, without it. */
  readonly store?: StoreKind;
  /** Only points whose name holds this. */
  readonly only?: string;
  /** Only this batch, from 0. */
  readonly batch?: number;
  readonly mutant?: Mutant;
  /** Batches at the same time. */
  readonly parallel: number;
  /** No batch is begun after so many milliseconds. */
  readonly msMax: number;
  readonly calmMs?: number;
  readonly onBatch?: (batch: number, report: PlayedBatch) => void;
  /** No batch is begun once it is aborted. */
  readonly signal?: AbortSignal;
  /** Ends the run at the first violation. */
  readonly untilViolation?: boolean;
}

export interface PlayedBatch extends BatchReport {
  readonly store: StoreKind;
  /** A command that plays it again. */
  readonly again: string;
}

/** Every point once in an order of the seed's, then every point again in another, so that none is left out. */
const dealt = (points: readonly Point[], seed: string, from: number, count: number): readonly Point[] =>
  Array.from({ length: Math.min(points.length, count) }, (_, index) => {
    const round = Math.floor((from + index) / points.length);
    return chanceOf(`${seed}/round ${round}`).shuffled(points)[(from + index) % points.length];
  }).filter((point) => point !== undefined);

/** Plays batches until so many failures were injected. */
export const runChaos = async (options: RunOptions): Promise<readonly PlayedBatch[]> => {
  const { failures, seed, store, only = '', batch, mutant, parallel, msMax, onBatch = () => {}, calmMs } = options;
  const played: PlayedBatch[] = [];
  const begun = performance.now();
  const size = Math.min(failures, BATCH_POINTS);
  const batches = Math.ceil(failures / size) * BATCHES_SPARE + BATCHES_SPARE;
  let next = batch ?? 0;

  const isEnough = (): boolean => {
    const injected = played.reduce((sum, one) => sum + one.injected.length, 0);
    if (options.signal?.aborted) return true;
    const found = options.untilViolation === true && played.some(({ violations }) => violations.length > 0);
    return (
      found || injected >= failures || performance.now() - begun > msMax || next >= (batch === undefined ? batches : batch + 1)
    );
  };
  const play = async (number: number): Promise<void> => {
    const on = store ?? STORES[number % STORES.length] ?? 'sqlite';
    const points = pointsOf(on).filter(({ name }) => name.includes(only));
    const same = store === undefined ? STORES.slice(0, number % STORES.length).filter((one) => one === on).length : number;
    const before =
      store === undefined ? Math.floor(number / STORES.length) * STORES.filter((one) => one === on).length + same : number;
    const report = await playBatch({
      seed: `${seed}/batch ${number}`,
      points: dealt(points, `${seed}/${on}`, before * size, size),
      store: on,
      ...(mutant !== undefined && { mutant }),
      ...(calmMs !== undefined && { calmMs }),
    });
    const few = size < BATCH_POINTS ? [`--failures ${size}`] : [];
    const limits = [...few, ...(only === '' ? [] : [`--only '${only}'`]), ...(store === undefined ? [] : [`--store ${store}`])];
    const again = ['npm run chaos --', `--seed ${seed}`, `--batch ${number}`, ...limits].join(' ');
    const entry = { ...report, store: on, again };
    played.push(entry);
    onBatch(number, entry);
  };
  const lane = async (): Promise<void> => {
    while (!isEnough()) await play(next++);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return played;
};
