/** A change of one source file while it is loaded. `from` must stand there exactly once. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What is waited out in life for seconds and minutes takes a fraction here: outages are played in seconds, too. So does the space on small disks. */
export const TEMPO: readonly Edit[] = [
  { file: 'src/infra/telegram/traffic.ts', from: '{ first: 1_000, longest: 30_000 }', to: '{ first: 50, longest: 500 }' },
  { file: 'src/infra/telegram/api.ts', from: 'TOO_FAST_MS = 5_000', to: 'TOO_FAST_MS = 300' },
  { file: 'src/infra/telegram/telegram.ts', from: 'CALL_MS = 14_000', to: 'CALL_MS = 3_000' },
  { file: 'src/infra/telegram/telegram.ts', from: 'POLL_MS = 45_000', to: 'POLL_MS = 4_000' },
  { file: 'src/infra/telegram/poller.ts', from: 'WAIT_SECONDS = 30', to: 'WAIT_SECONDS = 1' },
  { file: 'src/infra/telegram/poller.ts', from: 'GRACE_MS = 10_000', to: 'GRACE_MS = 2_000' },
  { file: 'src/infra/telegram/poller.ts', from: '{ first: 1_000, longest: 60_000 }', to: '{ first: 50, longest: 500 }' },
  { file: 'src/infra/telegram/pace.ts', from: 'chat: { ms: 3_000', to: 'chat: { ms: 300' },
  { file: 'src/infra/telegram/pace.ts', from: 'group: { ms: 60_000', to: 'group: { ms: 3_000' },
  { file: 'src/infra/upkeep.ts', from: 'KEPT_AFTER_END_MS = 14 * 86_400_000', to: 'KEPT_AFTER_END_MS = 2_000' },
  { file: 'src/commands/runner.ts', from: 'TICK_MS = 1_000', to: 'TICK_MS = 250' },
  { file: 'src/infra/artifacts.ts', from: 'TEMPORARY_STALE_MS = 3_600_000', to: 'TEMPORARY_STALE_MS = 10_000' },
  { file: 'src/infra/sandbox/pipe.ts', from: 'NAME_STALE_MS = 60_000', to: 'NAME_STALE_MS = 5_000' },
  {
    file: 'src/infra/sandbox/install-attendant.ts',
    from: 'FREE_BYTES_MIN = 512 * 1024 * 1024',
    to: 'FREE_BYTES_MIN = 1024 * 1024',
  },
  { file: 'src/infra/upkeep.ts', from: '10 * 60_000', to: '1_000' },
  { file: 'src/infra/forge/gh.ts', from: 'const TIMEOUT_MS = 60_000', to: 'const TIMEOUT_MS = 4_000' },
  { file: 'src/infra/git/delivery.ts', from: 'LOOK_TIMEOUT_MS = 60_000', to: 'LOOK_TIMEOUT_MS = 4_000' },
  { file: 'src/infra/git/delivery.ts', from: 'PUSH_TIMEOUT_MS = 10 * 60_000', to: 'PUSH_TIMEOUT_MS = 4_000' },
  { file: 'src/infra/git/mirrors.ts', from: 'FETCH_TIMEOUT_MS = 15 * 60_000', to: 'FETCH_TIMEOUT_MS = 4_000' },
];

/** Bugs that the laboratory must find. They are planted while the service is loaded: nothing of them stands in the product. */
export const MUTANTS = {
  /** What an earlier execution may have pushed is not looked for: a delivery that was begun is begun anew. */
  'no-reconcile': [
    { file: 'src/commands/task/delivery.ts', from: 'const begun = task.evidence.delivery;', to: 'const begun = undefined;' },
    {
      file: 'src/domain/task/decide-stage.ts',
      from: "if (earlier && earlier.round >= 2) throw new DomainError('delivery-already-renewed');",
      to: '',
    },
  ],
  /** Neither stage nor execution of an outcome is asked: a worker that was overtaken records what it came to all the same. */
  'ignored-fence': [
    {
      file: 'src/domain/task/decide-stage.ts',
      from: 'if (current.claim.execution !== fence.execution || current.claim.worker === null) throw',
      to: 'if (false) throw',
    },
    {
      file: 'src/domain/task/decide-stage.ts',
      from: 'if (!current || current.stage !== fence.stage) throw',
      to: 'if (!current) throw',
    },
    { file: 'src/domain/task/decide-stage.ts', from: "if (task.stage !== 'agent') throw", to: 'if (false) throw' },
    { file: 'src/domain/task/decide-stage.ts', from: "if (task.stage !== 'sandbox') throw", to: 'if (false) throw' },
  ],
  /** Telegram is told that updates were taken before they are stored. */
  'early-acknowledgement': [
    {
      file: 'src/infra/telegram/poller.ts',
      from: 'const taken = await Promise.allSettled(',
      to: `const next = updates.at(-1);
    if (next) {
      offset = next.update_id + 1;
      await ask(0, FAREWELL_MS, signal).catch(() => undefined);
    }
    const taken = await Promise.allSettled(`,
    },
  ],
} as const satisfies Readonly<Record<string, readonly Edit[]>>;
export type Mutant = keyof typeof MUTANTS;

/** `source` with the edits of its file. Throws when one does not fit: the code has moved on, and the edit must follow. */
export const edited = (file: string, source: string, edits: readonly Edit[]): string =>
  edits
    .filter((edit) => file.endsWith(`/${edit.file}`))
    .reduce((text, { from, to, file: name }) => {
      if (text.split(from).length !== 2) throw new Error(`${name} does not hold exactly once: ${from}`);
      return text.replace(from, () => to);
    }, source);
