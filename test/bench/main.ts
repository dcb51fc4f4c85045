import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { listing, posting } from './api.ts';
import { appends } from './appends.ts';
import { delivering, deliveringLarge } from './delivery.ts';
import { portOverClient } from './eventstoredb.ts';
import type { Figure } from './figure.ts';
import { leases } from './leases.ts';
import { flooding, pressure } from './pressure.ts';
import { recovery } from './recovery.ts';
import { starting } from './start.ts';
import { telegram } from './telegram.ts';
import { rebuilding } from './views.ts';
import { manyWorkers } from './workers.ts';

/** Measures what docs/performance.md promises. `--json` prints a line a figure, `--only <name>` runs some; exit 1 when a bound does not hold. */
const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  appends,
  posting,
  listing,
  delivering,
  'delivering-large': deliveringLarge,
  rebuilding,
  starting,
  eventstoredb: portOverClient,
  telegram,
  workers: manyWorkers,
  pressure,
  flooding,
  leases,
  recovery,
};

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
});
const chosen = Object.entries(BENCHES).filter(([name]) => values.only === undefined || values.only.includes(name));

const shown = (number: number): string => (number >= 100 ? Math.round(number).toLocaleString('en') : number.toFixed(2));

const row = ({ name, value, unit, baseline, ratio, bound, ok }: Figure): string => {
  const compared = baseline === null ? '' : `  ${shown(ratio)} x of ${shown(baseline)}`;
  return `${ok ? 'ok  ' : 'MISS'}  ${name.padEnd(60)} ${`${shown(value)} ${unit}`.padStart(18)}${compared}  (${bound})`;
};

if (!values.json) {
  const [processor] = cpus();
  console.log(
    `${cpus().length} x ${processor?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}\n`,
  );
}
let missed = 0;
for (const [, bench] of chosen) {
  for (const figure of await bench()) {
    if (!figure.ok) missed++;
    console.log(values.json ? JSON.stringify(figure) : row(figure));
  }
}
process.exitCode = missed === 0 ? 0 : 1;
