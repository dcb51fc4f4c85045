import { join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

/** Where things stand as the agent sees them. */
export interface Places {
  readonly work: string;
  readonly out: string;
  readonly home: string;
  readonly temporary: string;
  readonly node: string;
  readonly launcher: string;
  readonly egressSocket: string;
  /** Port of the forwarder on the agent's loopback; 0 takes a free one. */
  readonly egressPort: number;
  readonly path: string;
}

/** Everything of ours inside bubblewrap stands below this folder, so no path of the host is repeated inside. */
export const OURS_INSIDE = '/opt/countersign';
export const AGENT_HOME = '/home/agent';

/** Where this code and its `.env` stand. */
export const CHECKOUT = join(import.meta.dirname, '..', '..', '..');
export const LAUNCHER = join(import.meta.dirname, 'launcher.cjs');

export const ENCLOSED_PLACES: Places = {
  work: '/work',
  out: '/out',
  home: AGENT_HOME,
  temporary: '/tmp',
  node: `${OURS_INSIDE}/bin/node`,
  launcher: `${OURS_INSIDE}/launcher.cjs`,
  egressSocket: `${OURS_INSIDE}/egress.sock`,
  egressPort: 3128,
  path: `${OURS_INSIDE}/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin`,
};

/** Without isolation the agent sees the machine as it is. Relative entries of `PATH` would find programs in the work folder. */
export const openPlaces = (work: string, out: string, run: RunFolder, servicePath: string): Places => ({
  work,
  out,
  home: run.home,
  temporary: run.temporary,
  node: process.execPath,
  launcher: LAUNCHER,
  egressSocket: run.egressSocket,
  egressPort: 0,
  path: [...new Set([join(process.execPath, '..'), ...servicePath.split(':')])]
    .filter((entry) => entry.startsWith('/'))
    .join(':'),
});
