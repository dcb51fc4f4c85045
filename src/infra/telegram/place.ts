/** Where a message goes. `chat` is Telegram's id of the chat in decimal (negative for groups), `thread` a topic of it. */
export interface Place {
  readonly chat: string;
  readonly thread: number | null;
}

/** Groups, supergroups and channels have negative ids; a person's own chat has that person's. */
export const isPrivateChat = ({ chat }: Pick<Place, 'chat'>): boolean => !chat.startsWith('-');

/** Within JavaScript's exact integers: Telegram promises at most 52 significant bits. */
const PLACE = /^(-?[1-9]\d{0,15})(?:\/([1-9]\d{0,9}))?$/;

/** `-1001234567890`, or `-1001234567890/7` for topic 7 of it; `undefined` for anything else. */
export const readPlace = (text: string): Place | undefined => {
  const [, chat, thread] = PLACE.exec(text) ?? [];
  return chat === undefined ? undefined : { chat, thread: thread === undefined ? null : Number(thread) };
};
