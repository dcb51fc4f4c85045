import { z } from 'zod';

const Facts = z.array(z.looseObject({ type: z.string(), data: z.looseObject({ stage: z.string().nullish() }) }));

/** What a call is called among the points: an append goes by each event, and by each with its stage. */
export const namesOf = (part: string, method: string, args: readonly unknown[]): readonly string[] => {
  if (part !== 'store' || method !== 'append') return [`${part}.${method}`];
  return Facts.parse(args[1]).flatMap(({ type, data: { stage } }) => [
    `append ${type}`,
    ...(typeof stage === 'string' ? [`append ${type} (${stage})`] : []),
  ]);
};
