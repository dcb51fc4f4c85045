import type { EventStore, Position } from '../../domain/event-store.ts';
import type { Projection } from '../../projections/projection.ts';
import type { Build } from './build.ts';
import { feed } from './feed.ts';
import type { ListedBuild, ViewStore } from './view-store.ts';

/** How far a build is. */
export interface Progress {
  readonly name: string;
  readonly version: number;
  /** Events folded so far. */
  readonly events: number;
  /** Events of the build it will replace; `undefined` when there is none. */
  readonly expected: number | undefined;
}

export interface ViewStatus extends Progress {
  readonly position: Position | null;
  readonly state: 'live' | 'catching_up' | 'building';
  /** Streams that hold what only newer code knows. */
  readonly parked: readonly { readonly stream: string; readonly type: string; readonly needs: string }[];
}

export type ChangeListener = (streams: ReadonlySet<string>) => void;

export interface SlotOptions {
  readonly views: ViewStore;
  readonly store: EventStore;
  readonly projection: Projection;
  readonly signal: AbortSignal;
  /** Keeps what goes on by itself; its failure ends the views. */
  readonly background: (work: Promise<void>) => void;
  /** After each commit of the build that answers. */
  readonly onCommit: ChangeListener;
  /** Another build answers from now on. */
  readonly onSwap: () => void;
}

const isOpen = (build: Build | ListedBuild): build is Build => 'apply' in build;

const isSame = (a: Pick<Build, 'version' | 'build'> | undefined, b: ListedBuild): boolean =>
  a?.version === b.version && a.build === b.build;

/**
 * The place of one view: a build answers, and another may be made beside it that takes its place once it has folded everything. A build of
 * another version answers as it stands, because only its own code could go on with it.
 */
export const createSlot = ({ views, store, projection, signal, background, onCommit, onSwap }: SlotOptions) => {
  const { name, version } = projection;
  const found = views.list(name).find(({ answers }) => answers);
  // An interrupted build of today's version goes on, unless one of that version answers already.
  const mine = found?.version === version ? found : views.list(name).find((build) => build.version === version);
  let answering: Build | ListedBuild = found && found !== mine ? found : views.open(projection, mine?.build ?? 1);
  let next: Build | undefined;
  let live = false;
  let stopAnswering = (): void => {};
  const ready = Promise.withResolvers<void>();

  const eventsFolded = (): number => (isOpen(answering) ? answering.events() : answering.events);

  const discardOthers = async (): Promise<void> => {
    for (const other of views.list(name)) {
      if (!isSame(answering, other) && !isSame(next, other)) await views.discard(other, signal);
    }
  };

  const follow = (build: Build, onLive: () => void, onProgress: () => void = () => {}): (() => void) => {
    const stop = new AbortController();
    const commit: ChangeListener = (streams) => {
      onProgress();
      if (build === answering) onCommit(streams);
    };
    background(feed({ store, build, signal: AbortSignal.any([signal, stop.signal]), onCommit: commit, onLive }));
    return () => stop.abort();
  };

  const answerFromNowOn = (build: Build): void => {
    views.letAnswer(build);
    answering = build;
    next = undefined;
    live = true;
    onSwap();
    background(discardOthers());
  };

  /** Resolves when the build has taken its place. */
  const buildBeside = (build: Build, onProgress: (progress: Progress) => void = () => {}): Promise<void> =>
    new Promise((resolve) => {
      next = build;
      const expected = eventsFolded();
      const stop = follow(
        build,
        () => {
          if (build !== next) return;
          stopAnswering();
          stopAnswering = stop;
          answerFromNowOn(build);
          resolve();
        },
        () => onProgress({ name, version, events: build.events(), expected }),
      );
    });

  return {
    name,
    ready: ready.promise,
    answering: (): Pick<ListedBuild, 'named'> => answering,
    /** Shown and real name of each table that answers. */
    tables: (): readonly (readonly [string, string])[] =>
      [name, ...Object.keys(projection.tables)].map((table) => [table, answering.named(table)]),
    position: (): Position | null => (isOpen(answering) ? answering.position() : answering.position),

    start(): void {
      if (isOpen(answering)) {
        views.letAnswer(answering);
        stopAnswering = follow(answering, () => {
          live = true;
          ready.resolve();
        });
      } else {
        ready.resolve();
        void buildBeside(views.open(projection, mine?.build ?? 1));
      }
      background(discardOthers());
    },

    /** Gives up an answering build of another version whose tables this code cannot read. */
    answerAnew(): void {
      if (!isOpen(answering)) answering = views.open(projection, mine?.build ?? 1);
    },

    rebuild: (onProgress?: (progress: Progress) => void): Promise<void> =>
      buildBeside(views.open(projection, views.nextBuild(projection)), onProgress),

    status: (): ViewStatus => ({
      name,
      version,
      events: (next ?? (isOpen(answering) ? answering : undefined))?.events() ?? 0,
      expected: next && eventsFolded(),
      position: isOpen(answering) ? answering.position() : answering.position,
      state: next ? 'building' : live ? 'live' : 'catching_up',
      parked: isOpen(answering) ? views.parked(answering) : [],
    }),
  };
};

export type Slot = ReturnType<typeof createSlot>;
