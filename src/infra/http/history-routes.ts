import { z } from '@hono/zod-openapi';
import { historyIdOf } from '../../domain/history/index.ts';
import { may } from '../../domain/person/index.ts';
import { DomainError } from '../../domain/refusals.ts';
import { withoutTexts } from '../../domain/text.ts';
import { HistorySummary, HistoryView } from '../../projections/history.ts';
import { historyOf, OkayDokkiBatch } from '../okaydokki/history.ts';
import type { FoundHistory } from '../views/history-queries.ts';
import { type Caller, demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { NOT_ERASABLE } from './redaction-route.ts';
import { addRoute, answers, json, rendered } from './routes.ts';
import type { TaskReader } from './task-reader.ts';
import { FreshQuery, ListQuery, limitOf } from './task-schemas.ts';

const Tally = z.object({ added: z.int(), known: z.int().describe('Here already; nothing was changed.') });
const Imported = z.object({ tasks: Tally, audit: Tally, position: z.string().nullable() }).openapi('HistoryImported');
const History = z.object({ history: HistoryView }).openapi('History');
const HistoryList = z.object({ history: z.array(HistorySummary), next_cursor: z.string().nullable() }).openapi('HistoryList');

const HistoryParameters = z.object({
  historyId: z.string().min(1).max(200).openapi({ description: 'The id of the history, or the id its task had there.' }),
});

/** What an older service says happened. It has paths of its own, so that nobody takes it for what was proven here. */
export const addHistoryRoutes = (
  api: Api,
  { dispatch, views, clock, redact, historyErasure }: ApiOptions,
  reader: TaskReader,
): void => {
  const find = ({ person }: Caller, id: string): FoundHistory => {
    const { history } = views.queries;
    const found = history.find(id) ?? history.find(historyIdOf('okaydokki', id));
    if (found && may(person, { right: 'read', repo: found.repo ?? '*' })) return found;
    throw new BadCall(404, 'INVALID_ACTION', 'There is no such history. List it with "countersign history list".');
  };

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/history',
      name: 'importHistory',
      summary: 'Bring in tasks and lines of the audit of an older service, for admins. What is known already is passed over.',
      body: OkayDokkiBatch,
      answers: { 200: answers(Imported) },
    },
    async ({ caller, body }) => {
      demandAdmin(caller);
      const { personId: actor, channel } = caller.session;
      const correlationId = clock.uuid();
      const all = historyOf(body, (words) => ({ text: redact(words), salt: clock.uuid() }));
      // Texts are rid of secrets; a name that holds one cannot be kept as it is.
      const names = JSON.stringify(withoutTexts(all).data);
      if (redact(names) !== names) throw new DomainError('secret-in-text');
      const done = await Promise.all(
        all.map((data) =>
          dispatch({ id: clock.uuid(), type: 'ImportHistory', data, actor, channel, at: clock.now(), correlationId }),
        ),
      );
      const added = done.flatMap(({ events }) => events.map(({ type }) => type));
      const tasks = added.filter((type) => type === 'TaskImported').length;
      const audit = added.length - tasks;
      return json({
        tasks: { added: tasks, known: body.tasks.length - tasks },
        audit: { added: audit, known: body.audit.length - audit },
        position: done.reduce<string | null>(
          (last, { position }) => (position && position > (last ?? '') ? position : last),
          null,
        ),
      });
    },
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/history',
      name: 'listHistory',
      summary: 'What was brought in of repositories you may read, last first. None of it was proven here.',
      query: ListQuery.pick({ cursor: true, limit: true, min_position: true }),
      answers: { 200: answers(HistoryList) },
    },
    async ({ caller, query: { cursor, limit, min_position } }) => {
      await reader.fresh(min_position);
      const { history, next } = views.queries.history.list({
        repositories: caller.person.grants.map(({ repositories }) => repositories),
        limit: limitOf(limit),
        ...(cursor !== undefined && { cursor }),
      });
      return rendered(`{"history":[${history.join(',')}],"next_cursor":${JSON.stringify(next)}}`);
    },
  );

  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/history/{historyId}',
      name: 'getHistory',
      summary: 'What an older service says of one of its tasks, with the lines of its audit.',
      parameters: HistoryParameters,
      query: FreshQuery,
      answers: { 200: answers(History) },
    },
    async ({ caller, parameters: { historyId }, query }) => {
      await reader.fresh(query.min_position);
      return rendered(`{"history":${find(caller, historyId).json}}`);
    },
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/history/{historyId}',
      name: 'forgetHistory',
      summary: 'Erase every text of what was brought in about one task, for admins and for good. It cannot be brought in again.',
      parameters: HistoryParameters,
      answers: { 200: answers(z.object({ position: z.string().nullable() })) },
    },
    async ({ caller, parameters: { historyId } }) => {
      demandAdmin(caller);
      if (!historyErasure) throw new BadCall(409, 'INVALID_ACTION', NOT_ERASABLE);
      const { position } = await historyErasure(
        caller.session,
        HistoryView.parse(JSON.parse(find(caller, historyId).json)).historyId,
      );
      await reader.fresh(position);
      return json({ position });
    },
  );
};
