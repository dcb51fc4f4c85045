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
  /** Steps of one kind whose `notBefore` has come, claimed ones included, those that waited longest first. */
  due(kind: string, now: string, limit: number): readonly WorkItem[];
  /** Steps that hold a claim, due or not. */
  claimed(): readonly WorkItem[];
  /** When the next step that is not due yet becomes due; `undefined` when there is none. */
  nextAt(now: string): string | undefined;
  /** Calls back after each committed batch with the streams it touched, none when any may have changed. Returns how to stop. */
  onChange(listener: (streams: ReadonlySet<string>) => void): () => void;
}
