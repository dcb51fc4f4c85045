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

/**
 * The place of one view: a build answers, and another may be made beside it that takes its place once it has folded everything. A build of
 * another version answers as it stands, because only its own code could go on with it.
 */
export const createSlot = ({ views, store, projection, signal, background, onCommit, onSwap }: SlotOptions) => {
  const { name, version } = projection;
  const found = views.list(name).find(({ state }) => state === 'answering');
  const openNew = (): Build => views.open(projection, views.nextBuild(projection));
  /** One of today's version that was interrupted goes on. */
  const openBegun = (): Build => {
    const begun = views.list(name).find((build) => build.version === version && build.state === 'building');
    return begun ? views.open(projection, begun.build) : openNew();
  };
  let answering: Build | ListedBuild = found?.version === version ? views.open(projection, found.build) : (found ?? openBegun());
  let next: Build | undefined;
  let building: Promise<void> | undefined;
  let live = false;
  let removing = Promise.resolve();
  let stopAnswering = (): void => {};
  const ready = Promise.withResolvers<void>();

  const eventsFolded = (): number => (isOpen(answering) ? answering.events() : answering.events);

  /** One after the other: each takes what the ones before it left. */
  const removeDiscarded = (): void => {
    removing = removing.then(() => views.removeDiscarded(projection, signal));
    background(removing);
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
    building = undefined;
    live = true;
    onSwap();
    removeDiscarded();
  };

  /** Resolves when the build has taken its place. One at a time: a second call waits for the first. */
  const buildBeside = (openNext: () => Build, onProgress: (progress: Progress) => void = () => {}): Promise<void> => {
    building ??= new Promise((resolve) => {
      const build = openNext();
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
    return building;
  };

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
        void buildBeside(openBegun);
      }
      removeDiscarded();
    },

    /** Gives up an answering build of another version whose tables this code cannot read. */
    answerAnew(): void {
      if (!isOpen(answering)) answering = openBegun();
    },

    rebuild: (onProgress?: (progress: Progress) => void): Promise<void> => buildBeside(openNew, onProgress),

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
