import { hash } from 'node:crypto';

/** Chance that can be repeated: the same seed gives the same numbers. */
export interface Chance {
  /** From 0 to, not including, `below`. */
  below(below: number): number;
  /** Both ends included. */
  between(low: number, high: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** A new list in another order. */
  shuffled<T>(list: readonly T[]): T[];
  /** Chance of its own, whatever was drawn here before. */
  of(name: string | number): Chance;
}

export const chanceOf = (seed: string): Chance => {
  let drawn = 0;
  const below = (bound: number): number => {
    const digits = hash('sha256', `${seed}/${drawn++}`, 'hex').slice(0, 12);
    return Math.floor((Number.parseInt(digits, 16) / 16 ** 12) * bound);
  };
  return {
    below,
    between: (low, high) => low + below(high - low + 1),
    pick: (from) => from[below(from.length)] ?? from[0],
    shuffled: (list) => {
      const left = [...list];
      return list.flatMap(() => left.splice(below(left.length), 1));
    },
    of: (name) => chanceOf(`${seed}/${name}`),
  };
};
