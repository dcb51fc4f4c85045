import { setTimeout as pause } from 'node:timers/promises';
import type { Fault as RestFault } from '../support/github/index.ts';
import type { Fault as BotFault } from '../support/telegram/index.ts';
import type { Chance } from './chance.ts';
import { asleepMs } from './fates.ts';
import type { People } from './people.ts';
import { GITHUB_REQUESTS, type GitHubFault, type Play, type Point, type StoreFault, type TelegramFault } from './points.ts';
import type { Site } from './site.ts';
import type { Service } from './supervision.ts';
import { tear } from './torn.ts';

/** About as long as a start takes, in milliseconds. */
const START_MS = 1_200;
/** Longer than gh and git wait for an answer here. */
const TIME_OUT_MS = 5_500;

const LIMITED = { message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.' };

const atGitHub = (fault: GitHubFault, chance: Chance): RestFault => {
  switch (fault) {
    case 'answer lost':
      return 'lost_answer';
    case 'connection reset':
      return 'reset';
    case '500':
    case '502':
    case '503':
      return Number(fault);
    case '429 with retry-after':
      return { status: 429, headers: { 'retry-after': '1' }, body: LIMITED };
    case '429 without':
      return { status: 429, body: { message: 'Too many requests' } };
    case 'secondary rate limit':
      return { status: 403, headers: { 'retry-after': '1' }, body: LIMITED };
    case 'slow':
      return { delayMs: chance.between(200, 1_500) };
    case 'time-out, takes effect later':
      return { delayMs: TIME_OUT_MS };
  }
};

const atTelegram = (fault: TelegramFault, chance: Chance): BotFault => {
  switch (fault) {
    case 'answer lost':
      return { error: 'lost' };
    case 'connection reset':
      return { error: 'reset' };
    case 'no answer':
      return { error: 'hang' };
    case '500':
    case '502':
      return { error: Number(fault) };
    case '429 with retry-after':
      return { error: 429, retryAfter: 1 };
    case '429 without':
      return { error: 429, description: 'Too Many Requests' };
    case 'slow':
      return { delayMs: chance.between(200, 1_500) };
  }
};

/** For a while. */
const during = async (chance: Chance, begin: () => unknown, end: () => unknown): Promise<boolean> => {
  await begin();
  await pause(chance.between(200, 1_500));
  await end();
  return true;
};

const atStore = async ({ nodes }: Site, fault: StoreFault, chance: Chance): Promise<boolean> => {
  if (nodes === null) return false;
  const [first, second] = nodes;
  const { faults } = first;
  const set = (change: Partial<typeof faults>) => () => Object.assign(faults, change);
  switch (fault) {
    case 'acknowledgement lost':
      faults.acknowledgementsToLose += chance.between(1, 3);
      return true;
    case 'acknowledgement late':
      return during(chance, set({ acknowledgementDelayMs: chance.between(50, 400) }), set({ acknowledgementDelayMs: 0 }));
    case 'late':
      return during(chance, set({ delayMs: chance.between(50, 400) }), set({ delayMs: 0 }));
    case 'subscriptions dropped':
      for (const node of nodes) node.dropSubscriptions();
      return true;
    case 'subscriptions mute':
      return during(chance, set({ mute: true }), () => {
        faults.mute = false;
        first.log.changes.emit('appended');
      });
    case 'hung':
      return during(chance, set({ hung: true }), set({ hung: false }));
    case 'not ready':
      return during(chance, set({ notReady: true }), set({ notReady: false }));
    case 'gone':
      return during(chance, first.stop, first.start);
    case 'another node leads':
      [faults.leaderPort, second.faults.leaderPort] = faults.leaderPort === null ? [second.port, null] : [null, first.port];
      return true;
  }
};

const oneOf = (services: Site['services'], chance: Chance): Service => services[chance.below(services.length)] ?? services[0];

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
  const told = (plan: (happened: () => void) => unknown): Promise<boolean> =>
    Promise.race([new Promise<boolean>((resolve) => plan(() => resolve(true))), patience().then(() => false)]);
  switch (play.family) {
    case 'process':
      return false; // They are played together.
    case 'torn': {
      const { artifactFolder } = site;
      const service = oneOf(site.doors, chance);
      await service.whileDown('SIGKILL', () => tear(play.file, { dataFolder: service.dataFolder, artifactFolder }, chance));
      await service.client();
      return true;
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
      return gate !== null && during(chance, () => gate.close(play.fault), gate.open);
    }
    case 'disk': {
      const disk = site.disks[play.disk];
      return during(chance, disk.fill, disk.free);
    }
    case 'clock': {
      const services = play.ofOne ? [oneOf(site.services, chance)] : site.services;
      await Promise.all(services.map((service) => service.setClock(service.skewMs() + play.jumpMs)));
      return true;
    }
    case 'store':
      return atStore(site, play.fault, chance);
    case 'people':
      return told((happened) => void people.have(play.whim).then(happened));
  }
};

/** Everything outside works again. */
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
