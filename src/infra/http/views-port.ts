import type { Position } from '../../domain/event-store.ts';
import type { ViewQueries } from '../views/queries.ts';

/** The views as HTTP reads them. */
export interface HttpViews extends Pick<ViewQueries, 'getTask' | 'findTaskByPrefix' | 'listTasks' | 'personByTokenHash' | 'listPeople' | 'countByStatus'> {
  /** `false`: the view did not get there in time. */
  waitFor(position: Position, timeoutMs: number): Promise<boolean>;
  onChange(listener: (streams: ReadonlySet<string>) => void): () => void;
}
