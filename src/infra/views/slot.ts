import type { EventStore, Position } from '../../domain/event-store.ts';
import type { Projection } from '../../projections/projection.ts';
import type { Build, BuildId } from './build.ts';
import { type Follower, feed } from './feed.ts';
import { persevere } from './persevere.ts';
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

/** How one view stands. Plain data. */
export interface ViewStanding extends Progress {
  readonly position: Position | null;
  readonly state: 'live' | 'catching_up' | 'building';
  /** The build that answers: it names the tables. */
  readonly answering: BuildId;
}

export interface SlotOptions {
  readonly views: ViewStore;
  readonly store: EventStore;
  readonly projection: Projection;
  readonly signal: AbortSignal;
  /** Keeps what goes on by itself; its failure ends the views. */
  readonly background: (work: Promise<void>) => void;
  /** After each commit: with the streams it touched when they are read, none when another build answers from now on. */
  readonly onNews: (touched: ReadonlySet<string> | undefined) => void;
}

const isOpen = (build: Build | ListedBuild): build is Build => 'apply' in build;

/**
 * The place of one view: a build answers, and another may be made beside it that takes its place once it has folded everything. A build of
 * another version answers as it stands, because only its own code could go on with it.
 */
export const createSlot = ({ views, store, projection, signal, background, onNews }: SlotOptions) => {
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
  let stopAnswering = new AbortController();
  const ready = Promise.withResolvers<void>();

  const eventsFolded = (): number => (isOpen(answering) ? answering.events() : answering.events);

  const follower = (build: Build, stop: AbortController, onLive: () => void, onProgress: () => void = () => {}): Follower => ({
    build,
    signal: stop.signal,
    onCommit: (streams) => {
      onProgress();
      onNews(build === answering && streams.size > 0 ? streams : undefined);
    },
    onLive,
  });

  const answerFromNowOn = (build: Build): void => {
    views.letAnswer(build);
    answering = build;
    next = undefined;
    building = undefined;
    live = true;
    onNews(new Set());
  };

  /** Resolves when the build has taken its place, which may have to wait for room on the disk. One at a time: a second call waits for the first. */
  const buildBeside = (openNext: () => Build, onProgress: (progress: Progress) => void = () => {}): Promise<void> => {
    building ??= new Promise((resolve) => {
      const expected = eventsFolded();
      const stop = new AbortController();
      const build = async (): Promise<void> => {
        const opened = openNext();
        next = opened;
        const onLive = (): void => {
          if (opened !== next) return;
          // First: where the disk has no room for it, the one before goes on, and this is called again.
          answerFromNowOn(opened);
          stopAnswering.abort();
          stopAnswering = stop;
          resolve();
        };
        const tell = (): void => onProgress({ name, version, events: opened.events(), expected });
        await feed({ store, followers: [follower(opened, stop, onLive, tell)], signal });
      };
      background(persevere(signal, build));
    });
    return building;
  };

  return {
    ready: ready.promise,

    /** Begins; gives what is to be fed with the log when the build that answers can go on. */
    start(): Follower | undefined {
      if (!isOpen(answering)) {
        ready.resolve();
        void buildBeside(openBegun);
        return undefined;
      }
      views.letAnswer(answering);
      return follower(answering, stopAnswering, () => {
        if (live) return;
        live = true;
        ready.resolve();
        onNews(undefined);
      });
    },

    /** Gives up an answering build of another version whose tables this code cannot read. */
    answerAnew(): void {
      if (!isOpen(answering)) answering = openBegun();
    },

    rebuild: (onProgress: (progress: Progress) => void): Promise<void> => buildBeside(openNew, onProgress),

    /** Tries the parked streams of the build that answers again. Resolves to those that go on. */
    async resume(): Promise<ReadonlySet<string>> {
      const build = answering;
      if (!isOpen(build)) return new Set();
      const goOn = await build.unpark();
      if (goOn.size > 0 && build === answering) onNews(goOn);
      return goOn;
    },

    /** Removes the builds that were replaced, but for the one that is still read. One after the other: each takes what the ones before it left. */
    release(read: BuildId): void {
      removing = removing.then(() => persevere(signal, () => views.removeDiscarded(projection, read, signal)));
      background(removing);
    },

    standing: (): ViewStanding => ({
      name,
      version,
      events: (next ?? (isOpen(answering) ? answering : undefined))?.events() ?? 0,
      expected: next && eventsFolded(),
      position: isOpen(answering) ? answering.position() : answering.position,
      state: next ? 'building' : live ? 'live' : 'catching_up',
      answering: { version: answering.version, build: answering.build },
    }),

    /** Writes down how far the open builds are. */
    save(): void {
      if (isOpen(answering)) answering.save();
      next?.save();
    },
  };
};

export type Slot = ReturnType<typeof createSlot>;
