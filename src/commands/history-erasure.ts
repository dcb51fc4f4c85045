import { canonicalJson } from '../domain/canonical.ts';
import { historyStream } from '../domain/history/index.ts';
import { may } from '../domain/person/index.ts';
import { DomainError } from '../domain/refusals.ts';
import { withoutTexts } from '../domain/text.ts';
import type { Dispatched } from './dispatch.ts';
import type { Session } from './door.ts';
import type { RedactionOptions } from './redaction.ts';

/**
 * Erases every text of what was brought in about one task of an older service: first in the log, then as a fact, for which the views and the
 * audit are made anew from what is left, and after which nothing of it comes in again. Cut off in between, the same again goes on from there.
 * Throws what dispatch throws.
 */
export const createHistoryErasure = ({ store, erase, people, dispatch, clock }: Omit<RedactionOptions, 'streams'>) => {
  const eraseTexts = async (stream: string): Promise<number[]> => {
    const revisions: number[] = [];
    for await (const { revision, data: stored } of store.readStream(stream)) {
      const { data } = withoutTexts(stored);
      if (canonicalJson(data) === canonicalJson(stored)) continue;
      await erase(stream, revision, data);
      revisions.push(revision);
    }
    return revisions;
  };

  return async ({ personId, channel }: Session, historyId: string): Promise<Dispatched> => {
    // Before anything is lost: dispatch judges the same again, but only afterwards.
    const who = await people.get(personId);
    if (!who || !may(who, { right: 'administer', repo: '*' })) throw new DomainError('forbidden');
    const forget = async (): Promise<Dispatched> => {
      const data = { historyId, revisions: await eraseTexts(historyStream(historyId)) };
      return dispatch({ id: clock.uuid(), type: 'ForgetHistory', data, actor: personId, channel, at: clock.now() });
    };
    const first = await forget();
    // The second time for what came in meanwhile: since the first nothing can.
    const second = await forget();
    return second.events.length > 0 ? second : first;
  };
};

export type HistoryErasure = ReturnType<typeof createHistoryErasure>;
