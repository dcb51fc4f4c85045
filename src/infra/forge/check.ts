import { ForgeRefusal } from '../../commands/ports/forge.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';

/** One line of a preflight: what was asked of the forge for real, and what to do about it. */
export interface ForgeCheck {
  readonly name: 'forge' | 'login' | 'repository';
  readonly status: 'pass' | 'warn' | 'fail';
  readonly sentence: string;
}

export interface Probed {
  /** Asks the forge itself and, given a remote, for that repository. Never throws. */
  probe(remote?: string): Promise<readonly ForgeCheck[]>;
}

/** What `ask` finds out; a forge's error is a check that failed, in its own words. */
export const checked = async (name: ForgeCheck['name'], ask: () => Promise<Omit<ForgeCheck, 'name'>>): Promise<ForgeCheck> => {
  try {
    return { name, ...(await ask()) };
  } catch (error) {
    if (!(error instanceof ForgeRefusal || error instanceof OutsideFailure)) throw error;
    return { name, status: 'fail', sentence: error.message };
  }
};
