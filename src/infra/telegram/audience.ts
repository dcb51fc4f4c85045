import { type Card, cardIdOf } from '../../domain/card.ts';
import type { TaskView } from '../../projections/task-view.ts';
import type { Place } from './place.ts';

/** Cards that are remembered as withheld, the newest. */
const WITHHELD_MAX = 1_000;

export interface AudienceOptions {
  readonly notify: Place | null;
  /** Whether a chat may hear of a repository's tasks now. Not asked for the notify chat. */
  readonly mayBeTold: (place: Pick<Place, 'chat'>, repo: string) => Promise<boolean>;
}

/** Who hears of a task is judged whenever there is something to say: rights end, and groups are closed. */
export const createAudience = ({ notify, mayBeTold }: AudienceOptions) => {
  const withheld = new Set<string>();
  return {
    /** Whether the card's chat may hear of the task now. Throws what the store throws. */
    async hears(card: Card, { taskId, repo }: TaskView): Promise<boolean> {
      const { cardId } = card;
      withheld.delete(cardId);
      // It may have moved since; the card keeps its name.
      if (notify && cardId === cardIdOf(taskId, notify.chat, notify.thread)) return true;
      if (await mayBeTold(card, repo)) return true;
      withheld.add(cardId);
      const [oldest] = withheld;
      if (withheld.size > WITHHELD_MAX && oldest !== undefined) withheld.delete(oldest);
      return false;
    },
    /** Cards that were kept from their chats. */
    withheld: (): ReadonlySet<string> => withheld,
  };
};

export type Audience = ReturnType<typeof createAudience>;
