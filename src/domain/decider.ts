import type { z } from 'zod';
import type { Command, Fact, Happened } from './event.ts';

/** What a stream is waiting for us to do. */
export interface Step {
  /** Unique in the stream: names what the step creates outside, so that a second call finds the first. */
  readonly key: string;
  readonly kind: string;
  /** ISO 8601; not due before. */
  readonly notBefore?: string;
  /** The worker that claimed it; runners pass over it while that worker is heard. */
  readonly claimedBy?: string;
}

/** What a person needs for a command: a right, on a repository. */
export interface Need {
  readonly right: Right;
  readonly repo: string;
}

export type Right = 'read' | 'request' | 'approve' | 'administer';

/**
 * One kind of stream: a decider, and what comes next. Tasks are the first kind; the loop (src/commands) knows only this.
 * `decide` is pure: it returns facts, `[]` for "already so", or throws a `DomainError`. `evolve` never throws and never decides.
 */
export interface Kind<State = unknown> {
  /** Streams of this kind are `<name>-<uuid>`. */
  readonly name: string;
  readonly commands: Readonly<Record<string, z.ZodType>>;
  readonly events: Readonly<Record<string, z.ZodType>>;
  /** The events that each command of a person can begin with: a known id that began with another was used for another request. */
  readonly beginnings: Readonly<Record<string, readonly string[]>>;
  readonly initialState: State;
  streamOf(command: Command): string;
  decide(command: Command, state: State): readonly Fact[];
  evolve(state: State, event: Happened): State;
  /** Pure; asked again for every unfinished stream after a restart. */
  nextStep(state: State): Step | undefined;
  /** What the command's actor must be allowed, given the state. Empty: for workers only. */
  needs(command: Command, state: State): readonly Need[];
}
