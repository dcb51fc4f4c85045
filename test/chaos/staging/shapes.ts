import { z } from 'zod';

/** What may become of a process: at the next call of this name it gets `signal`. */
export const Fate = z.strictObject({
  /** `<part>.<method>`, such as `forge.openDraft`; an append is named by what it stores, such as `append TaskApproved`. */
  call: z.string(),
  /** `during`: whoever armed it is told that the call began, and sends the signal. */
  when: z.enum(['before', 'during', 'after']),
  signal: z.enum(['SIGKILL', 'SIGTERM', 'SIGSTOP']),
});
export type Fate = z.infer<typeof Fate>;

/** A call that failed, or `start`; what the error said. */
export const Failed = z.strictObject({ failed: z.string(), sentence: z.string() });
export type Failed = z.infer<typeof Failed>;

/** What this process tells the one that started it: the fate that it meets, or what failed. */
export const Notice = z.union([Fate, Failed]);
export type Notice = z.infer<typeof Notice>;

/** What the process that started this one may say. */
export const Order = z.union([
  /** Of these the one whose call comes first is met; the others are forgotten. */
  z.strictObject({ fates: z.array(Fate) }),
  /** How far the clock of the service is from the machine's, in milliseconds. */
  z.strictObject({ skewMs: z.int() }),
]);
export type Order = z.infer<typeof Order>;
