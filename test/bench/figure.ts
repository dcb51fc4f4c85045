/** One measured figure, held against a baseline of the same run where there is one: these machines are noisy, ratios are not. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, in the same unit; `null` when the bound is absolute. */
  readonly baseline: number | null;
  /** `value / baseline`, or the value itself. */
  readonly ratio: number;
  /** Such as `>= 0.75`; what `ratio` must hold. */
  readonly bound: string;
  readonly ok: boolean;
}

const holds = (ratio: number, bound: string): boolean => {
  const [, operator, limit] = /^(>=|<=) (-?[\d.]+)$/.exec(bound) ?? [];
  return operator === '>=' ? ratio >= Number(limit) : ratio <= Number(limit);
};

/** A figure against a baseline: `bound` is on their ratio. */
export const against = (name: string, value: number, unit: string, baseline: number, bound: string): Figure => {
  const ratio = value / baseline;
  return { name, value, unit, baseline, ratio, bound, ok: holds(ratio, bound) };
};

/** A figure by itself: `bound` is on the value. */
export const absolute = (name: string, value: number, unit: string, bound: string): Figure => ({
  name,
  value,
  unit,
  baseline: null,
  ratio: value,
  bound,
  ok: holds(value, bound),
});

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)] ?? 0;

/** Longest time in which the event loop did not turn while `work` ran, in milliseconds. */
export const longestStall = async (work: () => Promise<unknown>): Promise<number> => {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TICK_MS);
    last = now;
  }, TICK_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
};

const TICK_MS = 2;
