import { setTimeout as pause } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import { asleepMs } from './fates.ts';
import { during, type Told } from './met.ts';
import type { People } from './people.ts';
import { GITHUB_REQUESTS, type Play, type Point } from './points.ts';
import { atGitHub, atTelegram } from './remote-faults.ts';
import type { Site } from './site.ts';
import type { Failed } from './staging/shapes.ts';
import { atStore } from './store-faults.ts';
import type { Service } from './supervision.ts';
import { tear } from './torn.ts';

/** About as long as a start takes, in milliseconds. */
const START_MS = 1_200;
/** What failed for a disk is told of, and done with, so long after it is free again, in milliseconds. */
const AFTERMATH_MS = 300;
/** So often a file is looked for that is not there yet. */
const TEARS_MAX = 5;

/** Whether a call, or a start, failed because a disk has no room: as it says in words, or by a code of the system's. */
const isFull = ({ sentence }: Failed): boolean => /\bfull\b|ENOSPC|no space left|used up the disk/.test(sentence);

/** The engine that upkeep asks in vain is not enough: nothing depends on that. */
const isWithoutDocker = ({ failed, sentence }: Failed): boolean =>
  failed !== 'sandboxes.reap' && sentence.includes('Docker engine');

/** A fault is met, too, when a service fails like that. */
const hearing =
  ({ services }: Pick<Site, 'services'>, isIt: (failed: Failed) => boolean, told: Told): Told =>
  async (plan) => {
    const ends: (() => void)[] = [];
    const isMet = await told((happened) => {
      for (const service of services) ends.push(service.onFailure((failed) => isIt(failed) && happened()));
      return plan(happened);
    });
    for (const end of ends) end();
    return isMet;
  };

const oneOf = (services: readonly Service[], chance: Chance): Service => {
  const [first, ...others] = services;
  if (first === undefined) throw new Error('there is nobody to choose from');
  return chance.pick([first, ...others]);
};

/** Points that wait for each other: of one lane, one is played at a time. */
export const laneOf = ({ play }: Point): string => {
  if (play.family === 'torn' || play.family === 'start' || play.family === 'together') return 'restarts';
  if (play.family === 'github') return `github ${play.request}`;
  return play.family === 'telegram' ? `telegram ${play.method}` : play.family;
};

/** Plays a point. `false`: its call did not come by before `patience` was over. */
export const inject = async (
  site: Site,
  people: People,
  play: Play,
  chance: Chance,
  patience: () => Promise<void>,
): Promise<boolean> => {
  const told: Told = async (plan) => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    await plan(() => resolve(true));
    return Promise.race([promise, patience().then(() => false)]);
  };
  switch (play.family) {
    case 'process':
      return false; // They are played together.
    case 'torn': {
      const { artifactFolder } = site;
      // Who only answers people has no git.
      const workers = site.services.filter((_, index) => site.setup.roles[index] !== 'api');
      const service = play.file.startsWith('git') ? oneOf(workers, chance) : oneOf(site.doors, chance);
      let isTorn = false;
      for (let tries = 0; !isTorn && tries < TEARS_MAX; tries++) {
        if (tries > 0) await pause(START_MS);
        await service.whileDown('SIGKILL', async () => {
          isTorn = await tear(play.file, { dataFolder: service.dataFolder, artifactFolder }, chance);
        });
        await service.client();
      }
      return isTorn;
    }
    case 'start': {
      const service = oneOf(site.services, chance);
      service.signal('SIGKILL');
      await pause(chance.between(20, START_MS));
      service.signal(play.signal);
      if (play.signal === 'SIGSTOP') {
        await pause(asleepMs(site, chance));
        service.signal('SIGCONT');
      }
      await service.client();
      return true;
    }
    case 'together':
      for (const service of site.services) service.signal(play.signal);
      await pause(asleepMs(site, chance));
      for (const service of site.services) service.signal('SIGCONT');
      await Promise.all(site.services.map((service) => service.client()));
      return true;
    case 'github':
      return told((happened) =>
        site.origin.github?.faults.failNext(GITHUB_REQUESTS[play.request], atGitHub(play.fault, chance), 1, happened),
      );
    case 'telegram':
      return told((happened) => site.telegram.fault(play.method, { ...atTelegram(play.fault, chance), happened }));
    case 'docker': {
      const { gate } = site;
      if (gate === null) return false;
      const met = play.fault === 'refused' ? hearing(site, isWithoutDocker, told) : told;
      return during(met, chance, (happened) => gate.close(play.fault, happened), gate.open);
    }
    case 'disk': {
      const disk = site.disks[play.disk];
      return during(hearing(site, isFull, told), chance, disk.keepFull, async () => {
        await disk.free();
        await pause(AFTERMATH_MS); // Or the next disk would be taken for what this one did.
      });
    }
    case 'clock': {
      const services = play.ofOne ? [oneOf(site.services, chance)] : site.services;
      await Promise.all(services.map((service) => service.setClock(service.skewMs() + play.jumpMs)));
      return true;
    }
    case 'store':
      return atStore(site, play.fault, told, chance);
    case 'people':
      return told((happened) => void people.have(play.whim).then(happened));
  }
};

/** Sets all clocks to the time of the one that is furthest ahead: what goes by age then goes, whoever dated it. */
export const setClocksAlike = async ({ services }: Pick<Site, 'services'>): Promise<void> => {
  const ahead = Math.max(...services.map((service) => service.skewMs()));
  await Promise.all(services.map((service) => service.setClock(ahead)));
};

/** Everything outside works again; clocks stay as they are. */
export const calmDown = async ({ services, origin, telegram, gate, disks, nodes }: Site): Promise<void> => {
  origin.github?.faults.clear();
  telegram.clearFaults();
  await gate?.open();
  for (const disk of Object.values(disks)) await disk.free();
  for (const { faults } of nodes ?? []) {
    Object.assign(faults, {
      notReady: false,
      hung: false,
      mute: false,
      delayMs: 0,
      acknowledgementDelayMs: 0,
      acknowledgementsToLose: 0,
    });
  }
  for (const service of services) {
    service.signal('SIGCONT');
    await service.arm([]);
  }
};
