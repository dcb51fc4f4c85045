import { access, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Agent, handedOn } from './agent.ts';
import { createBounds } from './bounds.ts';
import { type Bind, bubblewrapArguments } from './bubblewrap.ts';
import type { AgentsConfig } from './configuration.ts';
import { type Enclosed, STATUS_FD, startEnclosed } from './enclosure.ts';
import { HISTORY_SCRIPT, historyEnvironment } from './history.ts';
import { findInstallation, type Installation } from './installation.ts';
import type { LaunchOrder } from './launch-order.ts';
import { RUN_MARKER } from './leftovers.ts';
import { CHECKOUT, ENCLOSED_PLACES, LAUNCHER, OURS_INSIDE, openPlaces, type Places } from './places.ts';
import type { Invocation, LoginFile } from './profiles/profile.ts';
import { openRunFolder, type RunFolder, removeRunFolder } from './run-folder.ts';
import { GRACE_MS } from './supervision.ts';

/** What one run of one agent stands in, until `remove`. */
export interface Surroundings {
  readonly places: Places;
  /** As the agent calls it; the configured name when it is not on this machine. */
  readonly program: string;
  readonly installed: boolean;
  /** Login files that are not on this machine. */
  readonly missingLogins: readonly LoginFile[];
  readonly run: RunFolder;
  /** Starts the launcher, which waits for its order. */
  startLauncher(): Promise<Enclosed>;
  /** Has the launcher start what the profile invokes, with login, proxy and the agent's environment, once the history stands where there is one. */
  order(
    launcher: Enclosed,
    invocation: Invocation,
    taskEnvironment: Readonly<Record<string, string>>,
    history: 'history' | 'no_history',
  ): void;
  remove(): Promise<void>;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const loginInside = (index: number): string => join(OURS_INSIDE, 'login', `${index}`);

const NOTHING_FOUND: Installation = { found: '', inside: '', readOnly: [], links: [] };

const shownInside = (agent: Agent, installation: Installation, logins: readonly LoginFile[], run: RunFolder): readonly Bind[] => [
  { from: process.execPath, to: ENCLOSED_PLACES.node },
  { from: LAUNCHER, to: ENCLOSED_PLACES.launcher },
  { from: run.egressSocket, to: ENCLOSED_PLACES.egressSocket },
  ...installation.readOnly,
  ...logins.map(({ from }, index) => ({ from, to: loginInside(index) })),
  ...(agent.config.mounts ?? []),
];

/** Prepares a run; the caller puts the egress proxy on `run.egressSocket` before the first start. */
export const prepareSurroundings = async (
  agent: Agent,
  config: AgentsConfig,
  folders: { readonly id: string; readonly workFolder: string; readonly outFolder: string },
): Promise<Surroundings> => {
  const { id, workFolder, outFolder } = folders;
  const enclosed = config.isolation === 'bubblewrap';
  const [run, bounds, hidden] = await Promise.all([
    openRunFolder(config.dataFolder, id),
    createBounds(id),
    Promise.all([config.dataFolder, CHECKOUT].map((path) => realpath(path))),
  ]);

  const places = enclosed ? ENCLOSED_PLACES : openPlaces(workFolder, outFolder, run, config.environment.PATH ?? '');
  const { program } = agent.profile;
  const installation =
    program === null || program === 'node' ? null : await findInstallation(program, config.environment.PATH ?? '', hidden);
  const known = await Promise.all(agent.profile.logins.map(async (login) => ({ login, here: await exists(login.from) })));
  const logins = known.flatMap(({ login, here }) => (here ? [login] : []));

  const start = async (argv: readonly string[], environment: Readonly<Record<string, string>>): Promise<Enclosed> =>
    startEnclosed({
      id,
      argv,
      bounds,
      environment,
      folder: workFolder,
      bubblewrap: enclosed
        ? await bubblewrapArguments({
            workFolder,
            outFolder,
            etcFolder: run.etc,
            readOnly: shownInside(agent, installation ?? NOTHING_FOUND, logins, run),
            links: installation?.links ?? [],
            hidden,
            environment,
            statusFd: STATUS_FD,
          })
        : null,
    });

  const marker = enclosed ? {} : { [RUN_MARKER]: id };
  const order: Surroundings['order'] = (launcher, invocation, taskEnvironment, history) => {
    const told: LaunchOrder = {
      argv: invocation.argv,
      input: invocation.input,
      folder: places.work,
      history:
        history === 'no_history'
          ? null
          : { script: HISTORY_SCRIPT, environment: { ...historyEnvironment(places.path, places.home), ...marker } },
      environment: {
        LANG: 'C.UTF-8',
        ...handedOn(agent, config),
        PATH: places.path,
        HOME: places.home,
        TMPDIR: places.temporary,
        ...marker,
        ...taskEnvironment,
        ...invocation.environment,
      },
      login: logins.map(({ from, to }, index) => ({
        from: enclosed ? loginInside(index) : from,
        to: join(places.home, to),
      })),
      graceMs: GRACE_MS,
    };
    launcher.stdin.write(`${JSON.stringify(told)}\n`);
  };

  return {
    places,
    program: enclosed ? (installation?.inside ?? program ?? '') : (installation?.found ?? program ?? ''),
    installed: installation !== null || program === null || program === 'node',
    missingLogins: known.flatMap(({ login, here }) => (here ? [] : [login])),
    run,
    startLauncher: () =>
      start([places.node, places.launcher, places.egressSocket, `${places.egressPort}`], { PATH: places.path }),
    order,
    remove: async () => {
      await bounds.remove();
      await removeRunFolder(run);
    },
  };
};
