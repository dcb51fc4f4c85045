/** One look at the service, somewhere in the day. */
export interface Sample {
  /** Minutes of the day since it began. */
  readonly minute: number;
  /** Process id. */
  readonly life: number;
  readonly rssMiB: number;
  /** Of the main thread, after a collection. */
  readonly heapMiB: number;
  readonly stallMs: number;
  readonly lateMs: number;
  readonly threads: number;
  readonly descriptors: number;
  /** Children and their children: agents, tests, git, gh. */
  readonly processes: number;
  readonly containers: number;
  /** Bytes below the data folder, by what they are for. */
  readonly disk: Readonly<Record<Kind, number>>;
  readonly files: Readonly<Record<Kind, number>>;
}

/** What stands below the data folder. */
export const KINDS = ['log', 'views', 'wal', 'audit', 'artifacts', 'mirrors', 'work', 'other'] as const;
export type Kind = (typeof KINDS)[number];

/** Tasks that run at once in the service that is looked at: its RUNNING_HERE_MAX. */
export const RUNNING_MAX = 6;
/** Of one that runs: bubblewrap twice, a shell, what it starts, and git or gh. */
const PROCESSES_A_TASK = 8;
/** Git beside them: of the light steps, which may be 16 at once, each with a child of its own. */
const PROCESSES_BESIDE = 32;

const MIB = 1024 ** 2;

type Point = readonly [x: number, y: number];

/** By so much the highest of the last third is higher than the highest of what is before. */
export const peakGrowthOf = (points: readonly Point[]): number => {
  const middle = Math.floor((points.length * 2) / 3);
  const highest = (some: readonly Point[]): number => Math.max(...some.map(([, y]) => y));
  return points.length < 3 ? 0 : highest(points.slice(middle)) - highest(points.slice(0, middle));
};

/** Grows by so much from the first point to the last, by the straight line that fits best; noise evens out, a leak does not. */
export const growthOf = (points: readonly Point[]): number => {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (spread === 0) return 0;
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  return slope * (Math.max(...points.map(([x]) => x)) - Math.min(...points.map(([x]) => x)));
};

interface Bound {
  readonly what: string;
  readonly unit: string;
  readonly of: (sample: Sample) => number;
  readonly grewBy: (points: readonly Point[]) => number;
  /** How much it may grow by in half a day. */
  readonly growthMax: number;
}

/**
 * What is expected to stay as it is however many tasks come and go. The others are higher by a few when the last look falls into a busier moment than
 * the first.
 */
const FLAT: readonly Bound[] = [
  // Given back while nobody asks for anything, and taken again: what it comes to when it is busy is compared.
  { what: 'memory', unit: 'MiB', of: ({ rssMiB }) => rssMiB, grewBy: peakGrowthOf, growthMax: 25 },
  { what: 'the heap after a collection', unit: 'MiB', of: ({ heapMiB }) => heapMiB, grewBy: growthOf, growthMax: 6 },
  { what: 'open file descriptors', unit: '', of: ({ descriptors }) => descriptors, grewBy: growthOf, growthMax: 12 },
  { what: 'threads', unit: '', of: ({ threads }) => threads, grewBy: growthOf, growthMax: 4 },
];

/** The half of the day in which no restart is played; after the last one, where that took longer. */
const secondHalf = (samples: readonly Sample[]): readonly Sample[] => {
  const last = samples.at(-1);
  return samples.filter(({ minute, life }) => minute > (last?.minute ?? 0) / 2 && life === last?.life);
};

/** By how much each grew in the second half of the day. */
export const growth = (samples: readonly Sample[]) => {
  const half = secondHalf(samples);
  return FLAT.map((bound) => ({ ...bound, grewBy: bound.grewBy(half.map((sample) => [sample.minute, bound.of(sample)])) }));
};

/** What is too much at any time. A day that is too short to tell what grows has these all the same. */
const MOST = [
  ['MiB of memory', ({ rssMiB }: Sample) => rssMiB, 500],
  ['open file descriptors', ({ descriptors }: Sample) => descriptors, 300],
  ['threads', ({ threads }: Sample) => threads, 20],
  // What the operator of the day allows, and what is spared until somebody looks, at the busiest time.
  ['MiB of artifacts', ({ disk }: Sample) => disk.artifacts / MIB, 3],
  ['containers', ({ containers }: Sample) => containers, RUNNING_MAX],
  ['processes below the service', ({ processes }: Sample) => processes, RUNNING_MAX * PROCESSES_A_TASK + PROCESSES_BESIDE],
  // A worktree of the day's repository, and what goes in and out of it, has less than a MiB.
  ['MiB in folders of executions', ({ disk }: Sample) => disk.work / MIB, RUNNING_MAX],
  // Git collects them from 500 loose objects on.
  ['files in the mirror', ({ files }: Sample) => files.mirrors, 1_500],
  // That of the log and that of the views are each begun anew from 16 MiB on, by whoever commits next.
  ['MiB of write-ahead log', ({ disk }: Sample) => disk.wal / MIB, 40],
  ['files of other kinds', ({ files }: Sample) => files.other, 100],
  ['MiB of other kinds', ({ disk }: Sample) => disk.other / MIB, 2],
] as const;

export const overLimits = (samples: readonly Sample[]): readonly string[] =>
  MOST.flatMap(([what, of, most]) => {
    const highest = Math.max(0, ...samples.map(of));
    return highest > most ? [`${highest.toFixed(1)} ${what}, of ${most} at most`] : [];
  });

/** Bytes that each event may weigh in what is never pruned, about twice what it does; and what there is without any. */
const BYTES_AN_EVENT = { log: 2_048, views: 4_096, audit: 2_048, mirrors: 1_024 } as const;
const BYTES_WITHOUT = MIB;

/** What holds more than `events` weigh: that is never pruned, so it may grow by nothing else. */
export const overWeight = (samples: readonly Sample[], events: number): readonly string[] =>
  (Object.entries(BYTES_AN_EVENT) as [keyof typeof BYTES_AN_EVENT, number][]).flatMap(([kind, weight]) => {
    // The keys of a literal.
    const highest = Math.max(0, ...samples.map(({ disk }) => disk[kind]));
    const most = BYTES_WITHOUT + events * weight;
    return highest > most ? [`${kind}: ${highest} bytes for ${events} events, of ${most} at most`] : [];
  });

/** What a service with nothing to do may have: as much as right after its start, however many tasks came and went. */
const AT_REST = [
  ['processes below the service', ({ processes }: Sample) => processes, 0],
  ['containers', ({ containers }: Sample) => containers, 0],
  ['files in folders of executions', ({ files }: Sample) => files.work, 0],
  ['open file descriptors', ({ descriptors }: Sample) => descriptors, 60],
  ['threads', ({ threads }: Sample) => threads, 14],
] as const;

/** What is still there when all is over, in sentences. */
export const unlikeRest = (sample: Sample): readonly string[] =>
  AT_REST.flatMap(([what, of, most]) => (of(sample) > most ? [`at rest: ${of(sample)} ${what}, of ${most} at most`] : []));

/** What grew that should not, in sentences. */
export const unlikeFlat = (samples: readonly Sample[]): readonly string[] =>
  growth(samples).flatMap(({ what, unit, grewBy, growthMax }) =>
    grewBy > growthMax ? [`${what}: grew by ${grewBy.toFixed(1)} ${unit} in the second half of the day`.replace('  ', ' ')] : [],
  );
