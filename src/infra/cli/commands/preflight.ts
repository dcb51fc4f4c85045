import type { Command } from 'commander';
import { z } from 'zod';
import { count } from '../../../projections/words.ts';
import type { Check } from '../../checks.ts';
import { visibleJson, visibleText } from '../../visible.ts';
import { type Deal, type Desk, shown } from '../desk.ts';
import { indented, padded, wrapped } from '../layout.ts';
import type { Style, Terminal } from '../terminal.ts';

const MARKS: Readonly<Record<Check['status'], { readonly word: string; readonly style: Style }>> = {
  pass: { word: 'PASS', style: 'good' },
  warn: { word: 'WARN', style: 'warn' },
  fail: { word: 'FAIL', style: 'bad' },
};

const HealthAnswer = z.object({
  components: z.array(z.object({ name: z.string(), status: z.enum(['pass', 'warn', 'fail']), sentence: z.string() })),
});

/** A running service is asked itself, for it owns the data folder; otherwise everything is opened for the moment. */
export const checksOf = async (desk: Desk): Promise<readonly Check[]> => {
  const read = await desk.reading();
  if ('faults' in read) return read.faults.map((sentence) => ({ name: 'configuration', status: 'fail', sentence }));
  const configured: Check[] = [
    { name: 'configuration', status: 'pass', sentence: 'Every variable is understood.' },
    ...read.notes.map((sentence): Check => ({ name: 'configuration', status: 'warn', sentence })),
  ];
  const api = await desk.connectIfRunning();
  if (api === null) return [...configured, ...(await desk.composition.preflight(read.configuration))];
  const health = shown(await api.get('/health/details', { accepts: [503] }), HealthAnswer);
  return [...configured, { name: 'service', status: 'pass', sentence: `It runs at ${api.url}.` }, ...health.components];
};

const counted = (checks: readonly Check[]) => {
  const counts = { pass: 0, warn: 0, fail: 0 };
  for (const { status } of checks) counts[status]++;
  return counts;
};

/** A line or more a check, and how many came out how. */
export const printChecks = (checks: readonly Check[], terminal: Terminal): void => {
  const room = Math.max(...checks.map(({ name }) => name.length)) + 2;
  for (const { name, status, sentence } of checks) {
    const { word, style } = MARKS[status];
    const [first = '', ...more] = wrapped(visibleText(sentence), Math.max(30, terminal.columns - room - 8));
    terminal.print(`  ${terminal.ink(style, word)}  ${padded(visibleText(name), room)}${first}`, ...indented(more, room + 8));
  }
  const { pass, warn, fail } = counted(checks);
  terminal.print('', `  ${pass} passed, ${count(warn, 'warning')}, ${fail} failed`);
};

const preflight = async (desk: Desk): Promise<number> => {
  const { terminal, json } = desk;
  const checks = await checksOf(desk);
  const counts = counted(checks);
  if (json) terminal.print(visibleJson({ checks, ...counts }));
  else printChecks(checks, terminal);
  return counts.fail > 0 ? 1 : 0;
};

/** `preflight`: whether a task would get through here. */
export const addPreflightCommand = (program: Command, deal: Deal): void => {
  program
    .command('preflight')
    .description('ask every component for real, and say what to do; ends with 1 when something is missing')
    .action(deal(preflight));
};
