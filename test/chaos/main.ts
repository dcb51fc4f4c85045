import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { withOutcomeTable } from './report.ts';
import { neverMet, runChaos } from './run.ts';
import { MUTANTS, type Mutant } from './staging/edits.ts';

/** The failure laboratory: see docs/reliability.md. Exit 1 when something was violated. */
const Options = z.object({
  failures: z.coerce.number().int().min(1).default(100),
  seed: z
    .string()
    .regex(/^[\w-]+$/)
    .default(() => randomBytes(4).toString('hex')),
  store: z.enum(['sqlite', 'double']).optional(),
  only: z.string().optional(),
  batch: z.coerce.number().int().min(0).optional(),
  parallel: z.coerce.number().int().min(1).max(8).default(3),
  minutes: z.coerce.number().min(1).max(600).default(30),
  mutant: z.enum(Object.keys(MUTANTS) as Mutant[]).optional(), // The keys of a literal.
  report: z.string().optional(),
  verbose: z.boolean().default(false),
});

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    ...{
      failures: text,
      seed: text,
      store: text,
      only: text,
      batch: text,
      parallel: text,
      minutes: text,
      mutant: text,
      report: text,
    },
    verbose: { type: 'boolean' },
  },
});
const { minutes, report, verbose, ...given } = Options.parse(values);
const begun = performance.now();
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Listened to until the end: execa, which has children here, would otherwise pass it on to this process.
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1);
    console.log('ends the batches under way without a verdict; a second signal leaves their small disks mounted');
    stopping.abort();
  });
}
console.log(`seed ${given.seed}: up to ${given.failures} failures`);
const played = await runChaos({
  ...given,
  msMax: minutes * 60_000,
  signal: stopping.signal,
  onBatch: (batch, { setup, injected, missed, violations, tasks, reruns, lives, ms, again, complaints }) => {
    const counts = `${injected.length} failures (${missed.length} missed), ${tasks} tasks, ${reruns} reruns, ${lives} lives`;
    console.log(`batch ${batch}, ${setup.name}: ${counts}, ${(ms / 1_000).toFixed(1)} s, ${violations.length} violations`);
    for (const violation of violations) console.log(`  VIOLATION ${violation}`);
    if (verbose) for (const complaint of complaints) console.log(`  said: ${complaint}`);
    if (verbose) for (const { name } of missed) console.log(`  missed: ${name}`);
    if (violations.length > 0) console.log(`  again: ${again}`);
  },
});
const ms = performance.now() - begun;
if (report !== undefined) writeFileSync(report, withOutcomeTable(readFileSync(report, 'utf8'), played, given.seed, ms));
const injected = played.reduce((sum, batch) => sum + batch.injected.length, 0);
const violations = played.reduce((sum, batch) => sum + batch.violations.length, 0);
const unmet = neverMet(played);
if (unmet.length > 0) console.log(`never met: ${unmet.join('; ')}`);
const isShort = given.batch === undefined && injected < given.failures;
if (isShort) console.log(`fewer than the ${given.failures} that were asked for came about: this proves less`);
const pace = `${Math.round(ms / 1_000)} s, ${((injected * 60_000) / ms).toFixed(1)} a minute`;
console.log(`${injected} failures injected, ${violations} violations found (seed ${given.seed}, ${pace})`);
process.exitCode = violations === 0 && !isShort ? 0 : 1;
