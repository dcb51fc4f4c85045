import type { Chance } from './chance.ts';
import type { Whim } from './points.ts';
import type { Site } from './site.ts';
import type { Service } from './supervision.ts';

/** From one of these to the next of the same, so that a task comes somewhere meanwhile, in milliseconds. */
const REST_MS = 2_500;

export interface Elsewhere {
  readonly origin: Pick<Site['origin'], 'pushToMain'>;
  readonly telegram: Site['telegram'];
  readonly group: Site['group'];
  readonly services: readonly Pick<Service, 'signal'>[];
  /** Resolves when somebody next sees that a task runs. */
  readonly running: () => Promise<void>;
}

/** What people do who want nothing of the service themselves: colleagues, whoever runs the group, whoever runs the machines. */
export const elsewhere = (
  { origin, telegram, group, services, running }: Elsewhere,
  chance: Chance,
  wait: (ms: number) => Promise<void>,
): Partial<Readonly<Record<Whim, () => Promise<void>>>> => {
  const one = (): Pick<Service, 'signal'> | undefined => services[chance.below(services.length)];
  const hand = group && telegram.as(group.member);
  return {
    'a push to the base': origin.pushToMain,
    'a restart': async () => {
      await wait(2 * REST_MS);
      await Promise.race([running(), wait(REST_MS)]);
      one()?.signal('SIGTERM');
    },
    'a machine that sleeps': async () => {
      const asleep = one();
      asleep?.signal('SIGSTOP');
      await wait(REST_MS).finally(() => asleep?.signal('SIGCONT'));
      await wait(2 * REST_MS);
    },
    'the group becomes a supergroup': async () => {
      const [id] = group?.ids ?? [];
      if (group?.ids.length === 1 && hand && id !== undefined) group.ids.push(hand.migrate({ id }).id);
      await wait(REST_MS);
    },
    'the bot is put out of the group for a while': async () => {
      const id = group?.ids.at(-1);
      if (!hand || id === undefined) return;
      hand.removeBot({ id });
      await wait(REST_MS).finally(() => hand.addBot({ id }));
      await wait(REST_MS / 2);
    },
  };
};
