import type { Step } from '../../domain/decider.ts';

/** A stream that is waiting for us. */
export interface WorkItem {
  readonly stream: string;
  readonly step: Step;
  readonly repo: string;
  /** The person whose request it is: turns are taken by person. */
  readonly person: string;
}

/** The view of pending work. It lags the log by a moment: every item is checked against its stream before anything is done. */
export interface WorkView {
  /**
   * Unclaimed steps of one kind whose `notBefore` has come, or is not believed, being after `believedUntil`; those that waited longest first.
   */
  due(kind: string, now: string, limit: number, believedUntil?: string): readonly WorkItem[];
  /**
   * The same, but of each person on each repository the first `each`, so that many of one hide nobody else's. Of more pairs than fit, a call goes
   * on where the last one ended.
   */
  dueByPair(kind: string, now: string, each: number, limit: number, believedUntil?: string): readonly WorkItem[];
  /** Steps that hold a claim, due or not. */
  claimed(): readonly WorkItem[];
  /** When the next step that is not due yet becomes due; `undefined` when there is none. */
  nextAt(now: string): string | undefined;
  /** Calls back after each committed batch with the streams it touched, none when any may have changed. Returns how to stop. */
  onChange(listener: (streams: ReadonlySet<string>) => void): () => void;
}
