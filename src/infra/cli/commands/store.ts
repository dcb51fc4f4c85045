import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { count } from '../../../projections/words.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { StorePlace } from '../../store/place.ts';
import { parseToErase } from '../../store-copy/erase.ts';
import type { CopyPhase, StoreCopyReport } from '../../store-copy/store-copy.ts';
import { visibleJson, visibleText } from '../../visible.ts';
import type { Deal, Desk } from '../desk.ts';
import { Failure, Misuse } from '../failure.ts';
import type { Progress } from '../terminal.ts';

const LABELS: Readonly<Record<CopyPhase, string>> = {
  copying: '  events copied',
  checking: '  events checked',
};

interface Wish {
  readonly from?: string;
  readonly to?: string;
  readonly redact?: readonly string[];
}

const isAddress = (typed: string): boolean => /^[a-z+]+:\/\//i.test(typed);

const placeOf = (typed: string): StorePlace =>
  isAddress(typed) ? { eventStoreUrl: typed, file: '' } : { eventStoreUrl: null, file: join(resolve(typed), 'log.db') };

const configured = ({ eventStoreUrl, dataFolder }: Configuration): StorePlace => ({
  eventStoreUrl,
  file: join(dataFolder, 'log.db'),
});

/** Without the password that an address may hold. */
const nameOf = ({ eventStoreUrl, file }: StorePlace): string =>
  eventStoreUrl === null ? dirname(file) : eventStoreUrl.replace(/\/\/.*@/, '//').replace(/[?].*$/, '');

/** Whichever is not named is the configured one. */
const placesOf = ({ from, to }: Wish, configuration: Configuration): { readonly from: StorePlace; readonly to: StorePlace } => {
  if (from === undefined && to === undefined)
    throw new Misuse(
      'Name where to copy the log to (--to), or from (--from): a data folder, or the address of a server. The other is the configured one.',
    );
  const places = {
    from: from === undefined ? configured(configuration) : placeOf(from),
    to: to === undefined ? configured(configuration) : placeOf(to),
  };
  const schemes = [places.from, places.to].flatMap(({ eventStoreUrl }) => eventStoreUrl?.split(/[+:]/)[0] ?? []);
  if (new Set(schemes).size > 1)
    throw new Failure(
      'Both addresses begin alike: write esdb:// or kurrentdb:// in both. Either client speaks to either server.',
    );
  if (nameOf(places.from) === nameOf(places.to)) throw new Failure('The log is to be copied onto itself. Name another target.');
  return places;
};

/** A bar for each thing that is done, one after the other. */
const barsOn = ({ terminal, json }: Desk) => {
  let shown: { readonly phase: CopyPhase; readonly bar: Progress } | undefined;
  const end = (): void => shown?.bar.end();
  return {
    update: (phase: CopyPhase, done: number, total: number | null): void => {
      if (json) return;
      if (shown?.phase !== phase) {
        end();
        shown = { phase, bar: terminal.progress(LABELS[phase]) };
      }
      shown.bar.update(done, total);
    },
    end: (): void => {
      if (!json) end();
    },
  };
};

const pageOf = (desk: Desk, { events, added, faults }: StoreCopyReport, from: StorePlace, to: StorePlace, isErased: boolean) => {
  const { terminal } = desk;
  if (faults.length > 0)
    return [
      ...faults.map(({ stream, sentence }) => `  ${terminal.ink('bad', stream)}  ${visibleText(sentence)}`),
      '  The copy is what the source is, and that does not hold. Keep both, and look into it before you go on with either.',
    ];
  return [
    `  ${nameOf(to)} holds all of it: ${count(events, 'event')}, of which ${added} ${added === 1 ? 'was' : 'were'} copied now. Every hash was computed anew.`,
    ...(isErased
      ? [`  What was to be erased is gone from the copy. It still stands in ${nameOf(from)}, and in its backups: delete them.`]
      : []),
    to.eventStoreUrl === null
      ? '  Unset EVENTSTORE_URL and set DATA_DIR to that folder. Artifacts, repositories and forge/ are not in the log: keep them there.'
      : '  Set EVENTSTORE_URL to it, and keep DATA_DIR.',
    '  Never run services on both: each would deliver. Start one with: countersign serve',
  ];
};

const copy = async (desk: Desk, wish: Wish): Promise<number> => {
  const { configuration } = await desk.configuration();
  const { from, to } = placesOf(wish, configuration);
  const erase = (wish.redact ?? []).map(parseToErase);
  const bars = barsOn(desk);
  const report = await desk.composition.copyStore(configuration, { from, to, erase }, bars.update).finally(bars.end);
  desk.terminal.print(
    ...(desk.json
      ? [visibleJson({ from: nameOf(from), to: nameOf(to), redacted: wish.redact ?? [], ...report })]
      : pageOf(desk, report, from, to, erase.length > 0)),
  );
  return report.faults.length === 0 ? 0 : 1;
};

/** `store`: where the log stands. */
export const addStoreCommands = (program: Command, deal: Deal): void => {
  program
    .command('store')
    .description('where the log stands')
    .command('copy')
    .description('copy the log to another store, while no service runs; the same again goes on where it was cut off')
    .option('--from <place>', 'a data folder or an address; the configured log otherwise')
    .option('--to <place>', 'the same for the copy, which must be empty or begun by this')
    .option('--redact <stream...>', 'leave texts out: person-<id>, history-<id>, task-<id> or task-<id>:<revision>')
    .action(deal(copy));
};
