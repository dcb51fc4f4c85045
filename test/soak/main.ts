import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { playDay } from './day.ts';
import { growth, KINDS, type Sample } from './flatness.ts';

/** A working day at many times its speed: see docs/reliability.md, "A day in the life". Exit 1 when something was violated. */
const Options = z.object({
  seed: z
    .string()
    .regex(/^[\w-]+$/)
    .default(() => randomBytes(4).toString('hex')),
  hours: z.coerce.number().min(1).max(24).default(8),
  speed: z.coerce.number().min(1).max(200).default(100),
  tasks: z.coerce.number().int().min(1).max(5_000).default(300),
  sandbox: z.enum(['docker', 'bubblewrap']).default('docker'),
  verbose: z.boolean().default(false),
});

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { seed: text, hours: text, speed: text, tasks: text, sandbox: text, verbose: { type: 'boolean' } },
});
const { verbose, ...options } = Options.parse(values);

const clock = (minute: number): string => {
  const whole = Math.floor(minute);
  return `${String(9 + Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
};
const mebibytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);

const lineOf = ({ minute, life, disk, files, ...sample }: Sample): string =>
  [
    clock(minute),
    `pid ${life}`,
    `memory ${sample.rssMiB.toFixed(0)} MiB, heap ${sample.heapMiB.toFixed(1)}`,
    `${sample.threads} threads, ${sample.descriptors} descriptors`,
    `${sample.processes} processes, ${sample.containers} containers`,
    `loop 99 % ${sample.lateMs.toFixed(0)} ms, worst ${sample.stallMs.toFixed(0)}`,
    KINDS.map((kind) => `${kind} ${mebibytes(disk[kind])} MiB/${files[kind]}`).join(' '),
  ].join(' · ');

console.log(
  `seed ${options.seed}: ${options.hours} h at ${options.speed} times their speed, ${options.tasks} tasks, tests in ${options.sandbox}`,
);
const begun = performance.now();
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1);
    console.log('clears everything away; a second signal ends it at once and leaves its small disks mounted');
    stopping.abort(new Error('stopped'));
  });
}
const report = await playDay({
  ...options,
  signal: stopping.signal,
  onSample: (sample) => console.log(lineOf(sample)),
  onMishap: (minute, mishap) => console.log(`${clock(minute)} · ${mishap}`),
}).catch((error: unknown) => {
  if (stopping.signal.aborted) process.exit(1);
  throw error;
});
const between = (what: string, unit: string, of: (sample: Sample) => number): string => {
  const values = report.samples.map(of);
  return `${what} ${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}${unit}`;
};
console.log(
  [
    between('memory', ' MiB', ({ rssMiB }) => rssMiB),
    between('heap', ' MiB', ({ heapMiB }) => heapMiB),
    between('descriptors', '', ({ descriptors }) => descriptors),
    between('threads', '', ({ threads }) => threads),
    between('processes', '', ({ processes }) => processes),
    between('containers', '', ({ containers }) => containers),
    between('99 % of the turns of the loop within', ' ms', ({ lateMs }) => lateMs),
    between('longest stall', ' ms', ({ stallMs }) => stallMs),
    between('artifacts', ' KiB', ({ disk }) => disk.artifacts / 1024),
    between('files in the mirror', '', ({ files }) => files.mirrors),
    between('mirror', ' KiB', ({ disk }) => disk.mirrors / 1024),
    between('folders of executions', ' KiB', ({ disk }) => disk.work / 1024),
    between('write-ahead log', ' MiB', ({ disk }) => disk.wal / 1024 ** 2),
    between('all else', ' KiB', ({ disk }) => disk.other / 1024),
  ].join(' · '),
);
if (verbose) for (const complaint of report.complaints) console.log(`said: ${complaint}`);
for (const { what, unit, grewBy, growthMax } of growth(report.samples))
  console.log(`second half: ${what} grew by ${grewBy.toFixed(1)} ${unit}`.trimEnd(), `(bound ${growthMax})`);
const ends = Object.entries(report.ends).map(([end, count]) => `${count} ${end}`);
console.log(
  `${report.events} events; ${ends.join(', ')}; ${report.reruns} reruns by people, ${report.lives} lives of the service`,
);
for (const violation of report.violations) console.log(`VIOLATION ${violation}`);
console.log(
  `${report.tasks} tasks, ${report.mishaps} mishaps, ${report.violations.length} violations (seed ${options.seed}, ${Math.round((performance.now() - begun) / 1_000)} s, ${Math.round(report.overtimeMs / 1_000)} s of them after the day)`,
);
process.exitCode = report.violations.length === 0 ? 0 : 1;
