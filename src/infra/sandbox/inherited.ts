import { readdirSync, readFileSync } from 'node:fs';

const CLOSE_ON_EXEC = 0o2000000;

const isInherited = (descriptor: string): boolean => {
  try {
    const [, flags = '0'] = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // The one the folder was read by is closed by now.
  }
};

/**
 * The highest descriptor that whoever started the service left open for all its children, such as a shell's lock file; Node's own are
 * never passed on. A child that is given something else at every number up to it gets none of them.
 */
export const highestInheritedDescriptor = (): number =>
  Math.max(2, ...readdirSync('/proc/self/fd').filter(isInherited).map(Number));
