import { z } from '@hono/zod-openapi';
import { RepositoryProblem } from '../../commands/ports/repositories.ts';
import { RepositoryName } from '../../domain/ids.ts';
import { may } from '../../domain/person/index.ts';
import { demandAdmin } from './authentication.ts';
import type { Api, ApiOptions } from './context.ts';
import { BadCall } from './problem.ts';
import { addRoute, answers, json } from './routes.ts';

const Repositories = z
  .object({ repositories: z.array(z.object({ name: RepositoryName, remote: z.string().describe('Empty: it cannot be read.') })) })
  .openapi('Repositories');

const Added = z
  .object({
    name: RepositoryName,
    checks: z.array(z.object({ direction: z.enum(['fetch', 'push']), ok: z.boolean(), sentence: z.string() })),
    has_configuration: z.boolean().describe('It says at its base how it is tested.'),
    proposal: z
      .object({ text: z.string(), sentences: z.array(z.string()) })
      .nullable()
      .describe('What its .countersign.yml could say, by what lies in it.'),
    elsewhere: z.string().nullable().describe('What is still to be done on other machines.'),
  })
  .openapi('AddedRepository');

const NewRepository = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .max(2_000)
      .refine((url) => !url.includes('\0'), { error: 'must not hold NUL characters' }),
    name: RepositoryName.optional(),
  })
  .openapi('NewRepository');

/** The repositories that changes may be asked for. */
export const addRepositoryRoutes = (api: Api, { repositories }: ApiOptions): void => {
  addRoute(
    api,
    {
      method: 'get',
      path: '/api/v1/repositories',
      name: 'listRepositories',
      summary: 'The repositories you may read.',
      answers: { 200: answers(Repositories) },
    },
    async ({ caller: { person } }) => {
      const all = await repositories.list();
      return json({ repositories: all.filter(({ name }) => may(person, { right: 'read', repo: name })) });
    },
  );

  addRoute(
    api,
    {
      method: 'post',
      path: '/api/v1/repositories',
      name: 'addRepository',
      summary: 'Clone a snapshot of a repository, for admins. Answers when it is there.',
      body: NewRepository,
      answers: { 201: answers(Added) },
    },
    async ({ caller, body }) => {
      demandAdmin(caller);
      try {
        const { hasConfiguration, ...added } = await repositories.add(body.url, body.name);
        return json({ ...added, has_configuration: hasConfiguration }, 201);
      } catch (error) {
        if (error instanceof RepositoryProblem) throw new BadCall(400, 'VALIDATION_ERROR', error.message);
        throw error;
      }
    },
  );

  addRoute(
    api,
    {
      method: 'delete',
      path: '/api/v1/repositories/{name+}',
      name: 'removeRepository',
      summary: 'Remove the snapshot of a repository, for admins. Its remote stays as it is.',
      parameters: z.object({ name: RepositoryName }),
      answers: { 200: answers(z.object({ removed: RepositoryName })) },
    },
    async ({ caller, parameters: { name } }) => {
      demandAdmin(caller);
      if (!(await repositories.list()).some((one) => one.name === name)) {
        throw new BadCall(404, 'INVALID_ACTION', 'There is no such repository. List them with "countersign repo list".');
      }
      await repositories.remove(name);
      return json({ removed: name });
    },
  );
};
