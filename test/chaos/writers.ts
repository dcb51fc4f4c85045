import type { SeenMessage, Telegram } from '../support/telegram/index.ts';
import { type Fortune, RERUNS_MAX, says } from './callers.ts';
import type { Chance } from './chance.ts';
import { GLANCE_MS, PATIENCE_MS } from './insist.ts';
import type { Site } from './site.ts';
import type { Feeling } from './whims.ts';

/** Buttons that bring a task on. */
const ANSWERS = ['Approve', 'Look again', 'Rerun'] as const;
/** More characters than a card shows: the whole of it comes as a file. */
const LONG_CHARACTERS = 1_700;
/** One request of so many is as long as that. */
const LONG_IN = 3;

export interface Writing {
  readonly telegram: Telegram;
  readonly chance: Chance;
  readonly wait: (ms: number) => Promise<void>;
}

const buttonOf = ({ buttons }: SeenMessage, label: string): boolean => buttons.flat().some(({ text }) => text === label);

const attemptOf = ({ text }: SeenMessage): number => Number(/ · attempt (\d+)/.exec(text)?.[1] ?? 1);

/** Whoever presses and is not answered goes on, and presses again. */
const press = async ({ telegram, wait }: Writing, person: Parameters<Telegram['as']>[0], message: SeenMessage, label: string) => {
  // A message that changed under the finger has no such button any more.
  const pressed = telegram
    .as(person)
    .press(message, label)
    .catch(() => undefined);
  await Promise.race([pressed, wait(PATIENCE_MS)]);
};

/** A person asks for something in Telegram, and goes on until it is done. */
export const inTelegram = async (
  writing: Writing,
  words: string,
  writer: ReturnType<Telegram['person']>,
  feels: Feeling,
  { failed, updated }: Fortune,
): Promise<void> => {
  const { telegram, chance, wait } = writing;
  const chat = { id: writer.id };
  const long = chance.below(LONG_IN) === 0 ? ` ${'and not a difference '.repeat(LONG_CHARACTERS / 21)}` : '';
  const sent = telegram.as(writer).send(chat, `/task ${says(words)}${long}`);
  const again = async (): Promise<void> => {
    await wait(chance.between(0, 1_500));
    if (sent.updateId !== undefined) telegram.redeliver(sent.updateId);
  };
  if (feels('the same update again')) void again().catch(() => undefined);
  /** Messages that said that an attempt failed: a press that nobody answered is pressed again. */
  const ended = new Set<number>();
  /** The delivered attempt that another one is wanted after. */
  let rerunOf = 0;
  for (;;) {
    const heard = telegram.messages(chat).filter(({ from, deleted }) => from.is_bot && !deleted);
    const delivered = Math.max(0, ...heard.filter(({ text }) => text.startsWith('✅')).map(attemptOf));
    if (delivered > rerunOf) {
      if (!feels('rerun of what was delivered')) return;
      rerunOf = delivered;
      updated();
    }
    // Whatever else was said since, such as that the request is known already, and whatever of an earlier attempt came twice.
    const asking = heard.filter((message) => ANSWERS.some((label) => buttonOf(message, label)));
    const newest = Math.max(...asking.map(attemptOf));
    const last = asking.findLast((message) => attemptOf(message) === newest);
    const answer = last && ANSWERS.find((label) => buttonOf(last, label));
    if (last && answer) {
      if (answer === 'Rerun' && !last.text.startsWith('✅') && !ended.has(last.id)) {
        ended.add(last.id);
        failed();
        if (ended.size > RERUNS_MAX) return;
      }
      await press(writing, writer, last, answer);
    }
    await wait(4 * GLANCE_MS);
  }
};

/** A member of the group reads along, and approves as others do at the same time. */
export const readAlong = async (writing: Writing, { ids, member }: NonNullable<Site['group']>): Promise<void> => {
  const { telegram, chance, wait } = writing;
  for (;;) {
    for (const message of telegram.messages({ id: ids.at(-1) ?? 0 })) {
      if (message.deleted || !buttonOf(message, 'Approve') || chance.below(4) > 0) continue;
      await press(writing, member, message, 'Approve');
    }
    await wait(4 * GLANCE_MS);
  }
};
