import { z } from 'zod';
import { TaskSummary, TaskView } from '../../../projections/task-view.ts';
import type { Api } from '../api.ts';
import { Failure } from '../failure.ts';
import type { Names } from '../task-card.ts';

export const TaskAnswer = z.object({ task: TaskView });
export const TaskListAnswer = z.object({ tasks: z.array(TaskSummary), next_cursor: z.string().nullable() });

/** One event of a task, in words; `taskId` comes with those of a stream that is watched. */
export const StoryLine = z.object({
  taskId: z.string().optional(),
  at: z.string(),
  actor: z.string(),
  type: z.string(),
  sentence: z.string(),
  position: z.string(),
});
export type StoryLine = z.infer<typeof StoryLine>;
export const StoryAnswer = z.object({ events: z.array(StoryLine) });

export const ProgressLine = z.object({ taskId: z.string(), line: z.string() });

export const PersonLine = z.object({
  personId: z.string(),
  name: z.string(),
  roles: z.array(z.object({ role: z.string(), repositories: z.string() })),
  tokens: z.array(z.object({ tokenId: z.string(), name: z.string(), issuedAt: z.string(), expiresAt: z.string().nullable() })),
  identities: z.array(z.object({ channel: z.string(), subject: z.string() })),
});
export const PeopleAnswer = z.object({ people: z.array(PersonLine) });

/** The people of the service, as it answered. Throws `Failure`, for those who are no admins too. */
export const people = (api: Api): Promise<unknown> => api.get('/people');

/** Names by id; empty for a reader who may not know them. */
export const namesOf = async (api: Api, parse: (document: unknown) => z.infer<typeof PeopleAnswer>): Promise<Names> => {
  const document = await people(api).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'FORBIDDEN') return { people: [] };
    throw error;
  });
  return new Map(parse(document).people.map(({ personId, name }) => [personId, name]));
};
