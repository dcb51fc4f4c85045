import type { PressAnswer } from './receiving.ts';
import type { SeenMessage } from './seen.ts';

/** A chat, a person (their private chat with the bot), or anything else with the id of a chat. */
export interface ChatRef {
  readonly id: number;
}

export type MessageRef = Pick<SeenMessage, 'id' | 'chatId'>;

export interface Sending {
  readonly replyTo?: { readonly id: number };
  readonly thread?: number;
  /** In the name of the group, as an anonymous admin does. */
  readonly anonymous?: boolean;
}

export interface SentFile extends Sending {
  readonly bytes: Buffer;
  readonly name?: string;
  readonly mime?: string;
  readonly caption?: string;
}

/** A message of a person; without an `updateId` the bot never hears of it. */
export type Sent = SeenMessage & { readonly updateId: number | undefined };

/** What a person does in Telegram. What a client would not let them do throws an `Error`. */
export interface PersonsHand {
  send(chat: ChatRef, text: string, how?: Sending): Sent;
  edit(message: MessageRef, text: string): Sent;
  delete(message: MessageRef): void;
  /** Presses the button with this label or data. `undefined`: no answer came while the press was open. */
  press(message: MessageRef, button: string): Promise<PressAnswer | undefined>;
  /** Sends data that no button has, as a changed client can, or the button of an earlier state. */
  forgePress(message: MessageRef, data: string): Promise<PressAnswer | undefined>;
  document(chat: ChatRef, file: SentFile): Sent;
  photo(chat: ChatRef, file: SentFile): Sent;
  voice(chat: ChatRef, file: SentFile): Sent;
  addBot(group: ChatRef, as?: { readonly administrator?: boolean }): void;
  removeBot(group: ChatRef): void;
  block(): void;
  unblock(): void;
  /** Makes a supergroup of a group and gives it. */
  migrate(group: ChatRef): ChatRef;
  /** Opens a topic in a forum and gives its number. */
  topic(forum: ChatRef, name: string): number;
}
