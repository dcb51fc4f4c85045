import { cardsProjection } from '../../projections/cards.ts';
import { chatsProjection } from '../../projections/chats.ts';
import { historyProjection } from '../../projections/history.ts';
import { peopleProjection } from '../../projections/people.ts';
import type { Projection } from '../../projections/projection.ts';
import { tasksProjection } from '../../projections/tasks.ts';

/** Every view. Another one is another entry here, and queries of its own (queries.ts). */
export const PROJECTIONS: readonly Projection[] = [
  tasksProjection,
  peopleProjection,
  chatsProjection,
  cardsProjection,
  historyProjection,
];
