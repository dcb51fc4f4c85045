import { type BatchOptions, type BatchReport, playBatch } from './batch.ts';
import { dealer, SETUPS, type Setup, type StoreKind } from './setups.ts';

/** Points of one batch. */
const BATCH_POINTS = 60;
/** Some points are missed, so there may be so many times as many batches as are needed when all are met. */
const BATCHES_SPARE = 2;

export interface RunOptions extends Pick<BatchOptions, 'mutant' | 'calmMs' | 'signal'> {
  readonly failures: number;
  readonly seed: string;
  /** All setups in turn, without it. */
  readonly store?: StoreKind | undefined;
  /** Only points whose name holds this. */
  readonly only?: string | undefined;
  /** Only this batch, from 0. */
  readonly batch?: number | undefined;
  /** Points of one batch, at most. */
  readonly points?: number;
  /** Batches at the same time. */
  readonly parallel: number;
  /** No batch is begun after so many milliseconds. */
  readonly msMax: number;
  readonly onBatch?: (batch: number, report: PlayedBatch) => void;
}

export interface PlayedBatch extends BatchReport {
  readonly setup: Setup;
  /** A command that plays it again. */
  readonly again: string;
}

/** A batch that broke off is a violation: something that cannot happen did. */
const broken = (options: BatchOptions, error: unknown): BatchReport => ({
  ...{ injected: [], missed: options.points, tasks: 0, reruns: 0, lives: 0, ms: 0, complaints: [] },
  violations: [`the batch broke off: ${error instanceof Error ? error.message : error}`],
});

/** Names of the points that were dealt, and met in no batch. */
export const neverMet = (played: readonly PlayedBatch[]): readonly string[] => {
  const met = new Set(played.flatMap(({ injected }) => injected.map(({ name }) => name)));
  const missed = new Set(played.flatMap((batch) => batch.missed.map(({ name }) => name)));
  return [...missed].filter((name) => !met.has(name)).toSorted();
};

/** Plays batches until so many failures were injected. */
export const runChaos = async (options: RunOptions): Promise<readonly PlayedBatch[]> => {
  const { failures, seed, store, only = '', batch, mutant, parallel, msMax, onBatch = () => {}, calmMs, signal } = options;
  const { points: pointsMax = BATCH_POINTS } = options;
  const [first, ...others] = SETUPS.filter((setup) => store === undefined || setup.store === store);
  if (!first) return [];
  const played: PlayedBatch[] = [];
  const begun = performance.now();
  const size = Math.min(failures, pointsMax);
  const batches = Math.ceil(failures / size) * BATCHES_SPARE + BATCHES_SPARE;
  const deal = dealer(seed, [first, ...others], only, size);
  let next = batch ?? 0;
  let underWay = 0;

  const injected = (): number => played.reduce((sum, report) => sum + report.injected.length, 0);
  const isEnd = (): boolean =>
    signal?.aborted === true ||
    injected() >= failures ||
    performance.now() - begun > msMax ||
    next >= (batch === undefined ? batches : batch + 1);
  /** What is played now will be enough, if it meets all its points. */
  const isPromised = (): boolean => injected() + underWay * size >= failures;
  const play = async (number: number): Promise<void> => {
    const { setup, points } = deal(number);
    const asked = { seed: `${seed}/batch ${number}`, setup, points, mutant, calmMs, signal };
    const report = await playBatch(asked).catch((error: unknown) => broken(asked, error));
    // What broke off because it was ended is none of its faults.
    if (report === undefined || signal?.aborted) return;
    const few = size < BATCH_POINTS ? [`--failures ${size}`] : [];
    const limits = [...few, ...(only === '' ? [] : [`--only '${only}'`]), ...(store === undefined ? [] : [`--store ${store}`])];
    const again = ['npm run chaos --', `--seed ${seed}`, `--batch ${number}`, ...limits].join(' ');
    const entry = { ...report, setup, again };
    played.push(entry);
    onBatch(number, entry);
  };
  const lane = async (): Promise<void> => {
    while (!isEnd() && !isPromised()) {
      underWay++;
      await play(next++).finally(() => underWay--);
    }
  };
  while (!isEnd()) await Promise.all(Array.from({ length: parallel }, lane));
  return played;
};
