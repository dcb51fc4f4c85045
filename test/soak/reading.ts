import { z } from 'zod';

/** How the service is, by its own account. */
export const Reading = z.object({
  /** Used by its main thread after a collection, in bytes. */
  heapBytes: z.number(),
  /** The longest that its event loop stood still since the reading before, collections for readings left out, in milliseconds. */
  stallMs: z.number(),
  /** 99 of 100 of the loop's turns came within so many milliseconds. */
  lateMs: z.number(),
});
export type Reading = z.infer<typeof Reading>;
