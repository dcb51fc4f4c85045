import { z } from 'zod';

/** A named schema: an event or a command. `meaning` is one sentence for the catalogue (docs/events.md). */
export const message = <Shape extends z.ZodRawShape>(name: string, meaning: string, shape: Shape) =>
  z.object(shape).meta({ title: name, description: meaning });

type Catalogue = Readonly<Record<string, z.ZodType>>;

/** The union of `{ type, data }` over a catalogue of messages, keyed by their names. */
export type MessageOf<C extends Catalogue> = {
  [Name in keyof C & string]: { readonly type: Name; readonly data: z.infer<C[Name]> };
}[keyof C & string];
