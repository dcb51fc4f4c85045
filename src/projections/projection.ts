import type { Kind } from '../domain/decider.ts';
import type { Happened } from '../domain/event.ts';
import type { Position } from '../domain/event-store.ts';

/** An event as a projection sees it: parsed, in today's shape, with where it stands. */
export interface Seen extends Happened {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly channel: string;
}

export type Row = Readonly<Record<string, string | number | null>>;

/** What queries look up and list by. The column `id`, the number of the stream, is added. */
export interface Table {
  readonly columns: Readonly<Record<string, string>>;
  /** Rows a stream has at most; `many` gives `id` an index. */
  readonly rowsPerStream: 'one' | 'many';
  /** Lists of columns, each an index. The number of the stream comes last in each by itself. */
  readonly indexes: readonly string[];
}

/** What is shown of one stream. */
export interface Shown {
  /** What a reader of this one stream gets, as JSON text. Tasks leave out their summary, which stands in a row: `taskText` puts it back. */
  readonly document: string;
  /** By table; a table that is not named has no row of this stream. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
}

/** Why a stream is folded no further. */
export interface Parking {
  /** Of the event it stopped at. */
  readonly type: string;
  /** Version of the event that is needed; `unreadable` for one that nobody wrote in this form, `fault` for one that the view itself failed at. */
  readonly needs: string;
}

/**
 * A view over the streams of one kind: each stream is folded to one state, and the state is shown as a document and rows. Pure, so the same log
 * gives the same view. Streams are numbered in the order in which they began.
 */
export interface Projection<State = unknown> {
  readonly name: string;
  /** Raised when state, document or rows change: the view is then built anew, from the first event. */
  readonly version: number;
  readonly kind: Pick<Kind, 'name' | 'events'>;
  readonly tables: Readonly<Record<string, Table>>;
  /** `undefined`: there is nothing to show (yet). */
  fold(state: State | undefined, event: Seen): State | undefined;
  show(state: State): Shown;
  /** Hardly anything follows: the state need not be kept, as the log can give it again. */
  isOver?(state: State): boolean;
  /** The state of a stream that is folded no further, so that what is shown says so. */
  park?(state: State, why: Parking): State;
}

/** Events of these types say that texts of earlier ones are erased: the stream is folded again from what is left. */
export const ERASURES: ReadonlySet<string> = new Set(['TextRedacted', 'PersonForgotten', 'HistoryForgotten', 'CardForgotten']);
