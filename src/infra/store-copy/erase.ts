import type { Session } from '../../commands/door.ts';
import type { Erasure } from '../../commands/erasure.ts';
import type { HistoryErasure } from '../../commands/history-erasure.ts';
import type { Redaction } from '../../commands/redaction.ts';
import type { EventStore } from '../../domain/event-store.ts';
import { DomainError } from '../../domain/refusals.ts';
import { withoutTexts } from '../../domain/text.ts';
import { CopyRefused } from './copy.ts';

/** A stream as the audit names it; of a task one event can be named. */
const NAME = /^(?<kind>task|person|history)-(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?::(?<revision>\d{1,9}))?$/;

export interface ToErase {
  readonly kind: 'task' | 'person' | 'history';
  readonly stream: string;
  readonly id: string;
  /** `null`: every text of the stream. */
  readonly revision: number | null;
}

/** Throws `CopyRefused` for what cannot be erased. */
export const parseToErase = (name: string): ToErase => {
  const { kind, id, revision } = NAME.exec(name)?.groups ?? {};
  if (!kind || !id || (revision !== undefined && kind !== 'task'))
    throw new CopyRefused(
      'What is to be left out is named as the audit names it: person-<id>, history-<id>, task-<id>, or task-<id>:<revision> for one event.',
    );
  // The expression gives no other kinds.
  return {
    kind: kind as ToErase['kind'],
    stream: `${kind}-${id}`,
    id,
    revision: revision === undefined ? null : Number(revision),
  };
};

/** What erases in a log that can. */
export interface Eraser {
  readonly store: EventStore;
  readonly redaction: Redaction;
  readonly erasure: Erasure;
  readonly historyErasure: HistoryErasure;
  /** Who does it. */
  readonly session: Session;
}

const redactTask = async ({ store, redaction, session }: Eraser, { stream, id, revision }: ToErase): Promise<void> => {
  const events = await Array.fromAsync(store.readStream(stream));
  const wanted = events.filter((event) => revision === null || event.revision === revision);
  if (wanted.length === 0)
    throw new CopyRefused(`There is no ${stream}${revision === null ? '' : ` with an event ${revision}`}.`);
  for (const event of wanted) {
    if (withoutTexts(event.data).fields.length === 0) continue;
    await redaction(session, id, event.revision).catch((error: unknown) => {
      // By an earlier run, or long ago.
      if (!(error instanceof DomainError && error.code === 'nothing-to-redact')) throw error;
    });
  }
};

/** Erases what is named, as a service would that is asked to. Safe to repeat. Throws `CopyRefused`, or a `DomainError` when that may not be erased. */
export const eraseNamed = async (eraser: Eraser, named: readonly ToErase[]): Promise<void> => {
  for (const wanted of named) {
    if (wanted.kind === 'person') await eraser.erasure(eraser.session, wanted.stream);
    else if (wanted.kind === 'history') await eraser.historyErasure(eraser.session, wanted.id);
    else await redactTask(eraser, wanted);
  }
};
