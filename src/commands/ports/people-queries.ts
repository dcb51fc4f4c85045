import type { Digest } from '../../domain/canonical.ts';

/** The views of people and chats, and of what stands in them, as their look-ups see them. What they find is judged by its own stream. */
export interface PeopleQueries {
  /** Everybody this account is linked to, the earliest link first. More than one only where two were linked at the same moment. */
  peopleByIdentity(channel: string, subject: string): readonly string[];
  /** Whose open invitation has this code. */
  personByInvitation(codeHash: Digest): string | undefined;
  /** The chat that is reached by this id now. */
  chatBySubject(channel: string, subject: string): string | undefined;
  /** Ids of the cards that stand in this chat now. */
  cardsIn(subject: string): readonly string[];
  /** Resolves when the views have come to this place of the log; by default to its end. Throws `DomainError` `views-behind` when that takes too long. */
  fresh(position?: string | null): Promise<void>;
}
