import { setTimeout as pause } from 'node:timers/promises';
import type { Fault as RestFault } from '../support/github/index.ts';
import type { Fault as BotFault } from '../support/telegram/index.ts';
import type { Chance } from './chance.ts';
import type { People } from './people.ts';
import { GITHUB_REQUESTS, type GitHubFault, type Play, type Point, type StoreFault, type TelegramFault } from './points.ts';
import type { Site } from './site.ts';
import type { Fate } from './staging/shapes.ts';
import type { Service } from './supervision.ts';
import { tear } from './torn.ts';

/** How long a point may wait for its call to come by, in milliseconds; and how often nothing of all that waits may come by. */
const PATIENCE_MS = 8_000;
const VAIN_MAX = 1;
/** From a start of a service until its next death, at least and at most, in milliseconds: it shall come to something. */
const BETWEEN_DEATHS_MS = [100, 1_000] as const;
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

/** Several leases of a worker, where there are leases; a while where there are none. */
const asleepMs = ({ store }: Site, chance: Chance): number =>
  store === 'double' ? chance.between(2_000, 5_000) : chance.between(200, 1_000);

/** What a process that met its fate goes through, until somebody answers again. */
const goThrough = async (site: Site, service: Service, { when, signal }: Fate, chance: Chance): Promise<void> => {
  if (when === 'during') {
    await pause(chance.pick([0, 0, 1, 3, 10, 30]));
    service.signal(signal);
  }
  if (signal === 'SIGSTOP') {
    await pause(asleepMs(site, chance));
    service.signal('SIGCONT');
  } else await pause(50);
  await service.client();
};

/**
 * Plays fates on one process in the order in which their calls come by, one death or sleep after the other, until none is left. Services take
 * from the same `left`, by name of the fate; what was met is added to `met`.
 */
export const playFates = async (
  site: Site,
  service: Service,
  { left, met }: { readonly left: Map<string, Point>; readonly met: Point[] },
  chance: Chance,
  until: number,
): Promise<void> => {
  for (let vain = 0; left.size > 0 && vain < VAIN_MAX && performance.now() < until; ) {
    await service.client();
    await pause(chance.between(...BETWEEN_DEATHS_MS));
    const meeting = service.met(PATIENCE_MS);
    const isArmed = await service.arm([...left.keys()].map((fate) => JSON.parse(fate)));
    const fate = await meeting;
    if (fate === 'ended') continue;
    if (fate === undefined) {
      vain += isArmed ? 1 : 0;
      continue;
    }
    const name = JSON.stringify(fate);
    const point = left.get(name);
    left.delete(name);
    if (point) met.push(point);
    await goThrough(site, service, fate, chance);
  }
  await service.arm([]);
};

const atStore = async ({ server }: Site, fault: StoreFault, chance: Chance): Promise<boolean> => {
  if (server === null) return false;
  const { faults } = server;
  const ms = chance.between(200, 1_500);
  switch (fault) {
    case 'acknowledgement lost':
      faults.acknowledgementsToLose += chance.between(1, 3);
      return true;
    case 'late':
      faults.delayMs = chance.between(50, 400);
      await pause(ms);
      faults.delayMs = 0;
      return true;
    case 'subscriptions dropped':
      server.dropSubscriptions();
      return true;
    case 'subscriptions mute':
      faults.mute = true;
      await pause(ms);
      faults.mute = false;
      server.log.changes.emit('appended');
      return true;
    case 'hung':
    case 'not ready': {
      const name = fault === 'hung' ? 'hung' : 'notReady';
      faults[name] = true;
      await pause(ms);
      faults[name] = false;
      return true;
    }
    case 'gone':
      await server.stop();
      await pause(ms);
      await server.start();
      return true;
  }
};

const oneOf = ({ services }: Site, chance: Chance): Service => services[chance.below(services.length)] ?? services[0];

/** Points that wait for each other: of one lane, one is played at a time. */
export const laneOf = ({ play }: Point): string => {
  if (play.family === 'torn' || play.family === 'start') return 'restarts';
  if (play.family === 'github') return `github ${play.request}`;
  return play.family === 'telegram' ? `telegram ${play.method}` : play.family;
};

/** Plays a point. `false`: it did not come to it in time, or there is no such thing here. */
export const inject = async (site: Site, people: People, play: Play, chance: Chance): Promise<boolean> => {
  const told = (plan: (happened: () => void) => void): Promise<boolean> =>
    Promise.race([new Promise<boolean>((resolve) => plan(() => resolve(true))), pause(PATIENCE_MS, false)]);
  switch (play.family) {
    case 'process':
      return false; // They are played together.
    case 'torn': {
      const service = oneOf(site, chance);
      const { artifactFolder } = site;
      await service.whileDown('SIGKILL', () => tear(play.file, { dataFolder: service.dataFolder, artifactFolder }, chance));
      await service.client();
      return true;
    }
    case 'start': {
      const service = oneOf(site, chance);
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
    case 'github':
      return told((happened) =>
        site.github.faults.failNext(GITHUB_REQUESTS[play.request], atGitHub(play.fault, chance), 1, happened),
      );
    case 'telegram':
      return told((happened) => site.telegram.fault(play.method, { ...atTelegram(play.fault, chance), happened }));
    case 'docker':
      if (!site.gate) return false;
      await site.gate.close(play.fault);
      await pause(chance.between(200, 1_500));
      await site.gate.open();
      return true;
    case 'disk':
      await site.disks[play.disk].fill();
      await pause(chance.between(200, 1_500));
      await site.disks[play.disk].free();
      return true;
    case 'clock':
      await Promise.all(site.services.map((service) => service.setClock(service.skewMs() + play.jumpMs)));
      return true;
    case 'store':
      return atStore(site, play.fault, chance);
    case 'people':
      return told((happened) => void people.twice(play.twice).then(happened));
  }
};

/** Everything outside works again. */
export const calmDown = async ({ services, github, telegram, gate, disks, server }: Site): Promise<void> => {
  github.faults.clear();
  telegram.clearFaults();
  await gate?.open();
  for (const disk of Object.values(disks)) await disk.free();
  if (server) Object.assign(server.faults, { notReady: false, hung: false, mute: false, delayMs: 0, acknowledgementsToLose: 0 });
  for (const service of services) {
    service.signal('SIGCONT');
    await service.arm([]);
  }
};
