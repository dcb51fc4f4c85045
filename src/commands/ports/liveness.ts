/** Whether the worker that holds a claim still lives. */
export interface Liveness {
  /** `false` only when its silence lasted as long as is needed to take its claims over. This process's own worker is not asked about. */
  isHeard(worker: string): Promise<boolean>;
  /** Whether the others hear this process: what it claimed meanwhile they would soon take over. */
  mayClaim(): boolean;
}

/** One process owns the data folder (its lock proves every earlier owner dead), so nobody else is ever heard. */
export const soleOwner: Liveness = { isHeard: async () => false, mayClaim: () => true };
