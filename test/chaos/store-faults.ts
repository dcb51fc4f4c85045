import { setTimeout as pause } from 'node:timers/promises';
import type { Faults } from '../store/server-double/index.ts';
import type { Chance } from './chance.ts';
import { during, type Told } from './met.ts';
import type { StoreFault } from './points.ts';
import type { Site } from './site.ts';

/** Plays a fault of the node that leads, or that is followed. `false`: nobody met it. */
export const atStore = async ({ nodes }: Site, fault: StoreFault, told: Told, chance: Chance): Promise<boolean> => {
  if (nodes === null) return false;
  const [first, second] = nodes;
  const [leader, follower] = first.faults.leaderPort === null ? [first, second] : [second, first];
  const { faults } = leader;
  /** `planned` stands until it was met and for a while. */
  const standing = <Name extends 'notReady' | 'hung' | 'mute' | 'delayMs' | 'acknowledgementDelayMs'>(
    name: Name,
    planned: Faults[Name],
    none: Faults[Name],
  ): Promise<boolean> => {
    const plan = (happened: () => void): void => {
      faults.met = (met) => met === name && happened();
      faults[name] = planned;
    };
    return during(told, chance, plan, () => {
      faults[name] = none;
    });
  };
  switch (fault) {
    case 'acknowledgement lost':
      return told((happened) => {
        faults.met = (met) => met === 'acknowledgementsToLose' && happened();
        faults.acknowledgementsToLose += chance.between(1, 3);
      });
    case 'acknowledgement late':
      return standing('acknowledgementDelayMs', chance.between(50, 400), 0);
    case 'late':
      return standing('delayMs', chance.between(50, 400), 0);
    case 'subscriptions dropped':
      return nodes.map((node) => node.dropSubscriptions()).includes(true);
    case 'subscriptions mute': {
      const isMet = await standing('mute', true, false);
      leader.log.changes.emit('appended');
      return isMet;
    }
    case 'hung':
      return standing('hung', true, false);
    case 'not ready':
      return standing('notReady', true, false);
    case 'gone': {
      // Those who follow the log go on with the node they had when another leads.
      const node = nodes.find((each) => each.subscribers() > 0);
      if (node === undefined) return false;
      await node.stop();
      await pause(chance.between(200, 1_500));
      await node.start();
      return true;
    }
    case 'another node leads':
      return told((happened) => {
        faults.met = (met) => met === 'leaderPort' && happened();
        [faults.leaderPort, follower.faults.leaderPort] = [follower.port, null];
      });
  }
};
