export interface AllowanceOptions {
  /** So often within `perMs` may the same one. */
  readonly times: number;
  readonly perMs: number;
}

/** Most that are counted at once; beyond it the one that has been quiet for longest is forgotten. */
const COUNTED_MAX = 10_000;

/** Whether one may do something again: true as often as is allowed. `now` is monotonic, in milliseconds. */
export const createAllowance = ({ times, perMs }: AllowanceOptions, now: () => number = () => performance.now()) => {
  const seen = new Map<string, readonly number[]>();
  return (who: string): boolean => {
    const at = now();
    const recent = (seen.get(who) ?? []).filter((before) => at - before < perMs);
    seen.delete(who);
    const isAllowed = recent.length < times;
    seen.set(who, isAllowed ? [...recent, at] : recent);
    const [quietest] = seen.keys();
    if (seen.size > COUNTED_MAX && quietest !== undefined) seen.delete(quietest);
    return isAllowed;
  };
};
