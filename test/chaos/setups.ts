import { chanceOf } from './chance.ts';
import { POINTS, type Point } from './points.ts';

export type StoreKind = 'sqlite' | 'double';
export type Role = 'all' | 'api' | 'worker';

/** One of the ways in which people run the service. */
export interface Setup {
  readonly name: string;
  /** An SQLite file, or EventStoreDB: a double of a cluster of two nodes. */
  readonly store: StoreKind;
  /** Of each process. */
  readonly roles: readonly [Role, ...Role[]];
  readonly sandbox: 'docker' | 'bubblewrap';
  readonly forge: 'github' | 'local';
  readonly telegram: 'polling' | 'webhook';
  readonly patchGate: 'always' | 'never';
  /** Tests need something that is installed for them. */
  readonly installs: boolean;
  /** Cards of what was filed over HTTP go to a group, too, whose members approve. */
  readonly group: boolean;
}

const PLAIN = { forge: 'github', telegram: 'polling', patchGate: 'always', installs: false, group: false } as const;

/** Batches play on them in turn. */
export const SETUPS: readonly Setup[] = [
  { ...PLAIN, name: 'one process on SQLite, Docker', store: 'sqlite', roles: ['all'], sandbox: 'docker' },
  {
    ...{
      ...PLAIN,
      name: 'two processes on EventStoreDB, a group',
      store: 'double',
      roles: ['all', 'all'],
      sandbox: 'bubblewrap',
    },
    ...{ patchGate: 'never', group: true },
  },
  {
    ...{ ...PLAIN, name: 'SQLite, a webhook, a group', store: 'sqlite', roles: ['all'], sandbox: 'bubblewrap' },
    ...{ telegram: 'webhook', group: true },
  },
  {
    ...{ ...PLAIN, name: 'one API process and two workers, a webhook', store: 'double', roles: ['api', 'worker', 'worker'] },
    ...{ sandbox: 'bubblewrap', telegram: 'webhook' },
  },
  {
    ...{ ...PLAIN, name: 'SQLite, the local forge, installs', store: 'sqlite', roles: ['all'], sandbox: 'docker' },
    ...{ forge: 'local', installs: true },
  },
];

export interface Deal {
  readonly setup: Setup;
  readonly points: readonly Point[];
}

/**
 * Deals batches by their number: on these setups in turn, those points that were dealt least before, in an order of the seed's, so that none is left
 * out.
 */
export const dealer = (
  seed: string,
  setups: readonly [Setup, ...Setup[]],
  only: string,
  size: number,
): ((batch: number) => Deal) => {
  const times = new Map<Point, number>();
  const dealt: Deal[] = [];
  const next = (): Deal => {
    const setup = setups[dealt.length % setups.length] ?? setups[0];
    const playable = POINTS.filter((point) => point.isOf(setup) && point.name.includes(only));
    const points = chanceOf(`${seed}/deal ${dealt.length}`)
      .shuffled(playable)
      .sort((one, other) => (times.get(one) ?? 0) - (times.get(other) ?? 0))
      .slice(0, size);
    for (const point of points) times.set(point, (times.get(point) ?? 0) + 1);
    dealt.push({ setup, points });
    return { setup, points };
  };
  return (batch) => {
    while (dealt.length < batch) next();
    return dealt[batch] ?? next();
  };
};
