import { createAllowance } from './allowance.ts';
import { type Command, readCommand } from './command-line.ts';
import { isCommandName } from './command-table.ts';
import type { Desk, Words } from './desk.ts';
import { html } from './html.ts';
import { isNotNow, sentenceOf } from './refusal-words.ts';
import { anonymousReply, groupNotAllowedReply, strangerReply, strangersHelp, welcomeReply } from './replies.ts';
import type { Arrival, Room } from './update.ts';

const CHANNEL = 'telegram';
/** On the button that an admin is asked with. */
export const ALLOW_GROUP = 'allow-group';

const MINUTE_MS = 60_000;
/** Tries of one account at a code; then silence. */
const CODE_TRIES = { times: 5, perMs: 60 * MINUTE_MS };
const STRANGERS = { private: { times: 5, perMs: MINUTE_MS }, group: { times: 1, perMs: MINUTE_MS } };

type Said = Extract<Arrival, { kind: 'message' }>;

/** Those who are not let in yet, and groups that are not: what they are told, and how often. */
export const createDoorstep = (
  { bot, identities, outbox }: Pick<Desk, 'bot' | 'identities' | 'outbox'>,
  say: (room: Room, messageId: number, words: Words) => void,
) => {
  const mayTryCode = createAllowance(CODE_TRIES);
  const mayTell = { private: createAllowance(STRANGERS.private), group: createAllowance(STRANGERS.group) };
  const mayAskForGroup = createAllowance(STRANGERS.group);
  /** Updates whose code could not be looked up yet: when they come again, it is no other try. */
  const underWay = new Set<number>();

  return {
    /** Somebody comes with a code. */
    async redeem({ room, from, messageId, updateId }: Said, code: string): Promise<void> {
      // Where others read along, a code would be theirs, too.
      if (room.kind === 'group') {
        if (mayTell.group(from.id)) say(room, messageId, { text: html`Write that to me in private, where nobody reads along.` });
        return;
      }
      if (!underWay.has(updateId) && !mayTryCode(from.id)) return;
      underWay.add(updateId);
      try {
        say(room, messageId, { text: welcomeReply(await identities.redeem(CHANNEL, from.id, code)) });
      } catch (error) {
        if (isNotNow(error)) throw error;
        underWay.delete(updateId);
        const sentence = sentenceOf(error);
        if (sentence === undefined) throw error;
        say(room, messageId, { text: html`${sentence}` });
      }
      underWay.delete(updateId);
    },

    /** Somebody who is not known speaks to the bot. */
    stranger({ room, from, messageId }: Said, command: Command | undefined): void {
      if (!mayTell[room.kind](from.id)) return;
      const isAskedHow = room.kind === 'private' && (command?.name === 'start' || command?.name === 'help');
      say(room, messageId, { text: isAskedHow ? strangersHelp(from) : strangerReply(from) });
    },

    /** Somebody in the name of a group or a channel. */
    anonymous({ room, messageId, text }: Extract<Arrival, { kind: 'anonymous' }>): void {
      const command = readCommand(text);
      const isForMe = command && (command.bot === null ? isCommandName(command.name) : command.bot === bot.username);
      if (isForMe && mayTell.group(room.place.chat)) say(room, messageId, { text: anonymousReply });
    },

    /** A group that nobody allowed: an admin is asked. */
    closedGroup({ place }: Room): void {
      if (!mayAskForGroup(place.chat)) return;
      const keyboard = [[{ text: 'Allow this group', data: ALLOW_GROUP }]];
      void outbox.send({ place, priority: 'answer', text: groupNotAllowedReply(place.chat), keyboard });
    },
  };
};
