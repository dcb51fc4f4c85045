import type { Api } from 'grammy';
import type { Person } from '../../domain/person/index.ts';
import { verdictOf } from './api.ts';
import { groupsMenu, type MenuEntry, menuOf, strangersMenu } from './command-table.ts';

/** Accounts and groups as they are now. */
export interface MenuSources {
  /** Every person who has an account here, with the ids of those accounts. */
  people(): readonly { readonly person: Person; readonly accounts: readonly string[] }[];
  /** Ids of the groups that are allowed. */
  groups(): readonly string[];
}

export interface MenusOptions {
  readonly api: Pick<Api, 'setMyCommands' | 'deleteMyCommands'>;
  readonly sources: MenuSources;
  /** Resolves after so many milliseconds; rejects when the process stops. */
  readonly pause: (ms: number) => Promise<void>;
}

/** Between two calls, and before what failed is tried again: nobody waits for a menu, and messages go first. In milliseconds. */
const PACE_MS = 100;
const AGAIN_MS = 30_000;

const STRANGERS = 'default';

/**
 * Keeps the lists of commands that people see in Telegram as their roles are: a person in private sees what they can use, a group what anybody
 * may, everybody else the beginning. Menus are no rights: what they leave out can still be typed.
 */
export const createMenus = ({ api, sources, pause }: MenusOptions) => {
  /** What Telegram was told, by chat. */
  const told = new Map<string, string>();
  /** Chats that do not exist yet: their people never wrote. */
  const unmet = new Set<string>();
  let isStale = false;
  let isWorking = false;

  const wanted = (): ReadonlyMap<string, readonly MenuEntry[]> =>
    new Map([
      [STRANGERS, strangersMenu()],
      ...sources.people().flatMap(({ person, accounts }) => accounts.map((account) => [account, menuOf(person)] as const)),
      ...sources.groups().map((group) => [group, groupsMenu()] as const),
    ]);

  /** Whether Telegram took it. */
  const tell = async (chat: string, entries: readonly MenuEntry[] | undefined): Promise<boolean> => {
    const scope = chat === STRANGERS ? ({ type: 'default' } as const) : ({ type: 'chat', chat_id: Number(chat) } as const);
    try {
      if (entries) await api.setMyCommands([...entries], { scope });
      else await api.deleteMyCommands({ scope });
      return true;
    } catch (error) {
      const verdict = verdictOf(error);
      if (verdict.is === 'too_fast') await pause(verdict.waitMs);
      if (verdict.is === 'too_fast' || verdict.is === 'away' || verdict.is === 'token_refused') throw error;
      return false;
    }
  };

  const bringUpToDate = async (): Promise<void> => {
    const now = wanted();
    for (const chat of new Set([...now.keys(), ...told.keys()])) {
      const entries = now.get(chat);
      const said = entries === undefined ? undefined : JSON.stringify(entries);
      if (told.get(chat) === said) continue;
      const isTaken = await tell(chat, entries);
      if (said === undefined || !isTaken) told.delete(chat);
      else told.set(chat, said);
      if (isTaken) unmet.delete(chat);
      else unmet.add(chat);
      await pause(PACE_MS);
    }
  };

  const untilDone = async (): Promise<void> => {
    while (isStale) {
      isStale = false;
      try {
        await bringUpToDate();
      } catch {
        isStale = true;
        await pause(AGAIN_MS);
      }
    }
  };

  /** Somebody's roles or a group changed, or the process starts. */
  const refresh = (): void => {
    isStale = true;
    if (isWorking) return;
    isWorking = true;
    const stop = (): void => {
      isWorking = false;
    };
    // Only a process that ends stops it half-way.
    untilDone().then(stop, stop);
  };

  return {
    refresh,
    /** Somebody wrote in a chat. */
    met(chat: string): void {
      if (unmet.has(chat)) refresh();
    },
  };
};

export type Menus = ReturnType<typeof createMenus>;
