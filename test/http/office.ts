import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Role } from '../../src/domain/person/events.ts';
import type { Service } from '../../src/infra/cli/composition.ts';
import { serve } from '../../src/main.ts';
import { TaskView } from '../../src/projections/task-view.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';
import { type Contract, readContract } from './contract.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  json(): Record<string, unknown>;
  /** The task in the body, held against its schema. */
  task(): TaskView;
  /** The problem in the body: its `error_code`. Throws when the answer is no problem document. */
  code(): string;
}

export interface Worker {
  readonly personId: string;
  readonly token: string;
  readonly tokenId: string;
  /** Every answer is held against the document of the API. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

export interface Office {
  readonly workshop: Workshop;
  readonly url: string;
  readonly admin: Worker;
  /** A person with roles, and a token of that person. */
  hire(...roles: readonly (readonly [Role, string])[]): Promise<Worker>;
  /** Stops the service and starts another on the same data folder. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

const Hired = z.object({ person_id: z.string() });
const Issued = z.object({ token: z.string(), token_id: z.string() });
const PROBLEM = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  error: z.string(),
  error_code: z.string(),
});

export const answerOf = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  const json = (): Record<string, unknown> => JSON.parse(text);
  return {
    status: response.status,
    text,
    headers: response.headers,
    json,
    task: () => z.object({ task: TaskView }).parse(json()).task,
    code: () => {
      const problem = PROBLEM.parse(json());
      if (problem.status !== response.status || problem.error !== problem.detail)
        throw new Error('a problem that contradicts itself');
      if (!response.headers.get('content-type')?.startsWith('application/problem+json'))
        throw new Error('a problem of another type');
      return problem.error_code;
    },
  };
};

const workerOf = (
  address: () => string,
  contract: () => Contract,
  who: Pick<Worker, 'personId' | 'token' | 'tokenId'>,
): Worker => ({
  ...who,
  call: async (method, path, body, headers = {}) => {
    const response = await fetch(`${address()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${who.token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answer = await answerOf(response);
    contract().check(method, path, answer);
    return answer;
  },
});

const STARTED = z.object({ url: z.string(), token: z.string() });

/** Mends the sum, unless the intent says "Fail", "Break", "Nothing" or "Slowly". */
const AGENT = [
  'case "$OKD_INTENT" in',
  'Fail*) echo no; exit 3;;',
  'Break*) echo breaking; echo false > sum.sh;;',
  'Nothing*) true;;',
  'Slowly*) for i in 1 2 3 4 5 6 7 8 9 10; do echo step $i; sleep 0.2; done; sed -i s/-/+/ sum.sh;;',
  '*) echo mending; sed -i s/-/+/ sum.sh;;',
  'esac',
].join(' ');

/** A service with an obedient agent, its admin, and whoever is hired. */
export const openOffice = async (more: Readonly<Record<string, string>> = {}): Promise<Office> => {
  const workshop = await openWorkshop();
  const configuration = workshop.configuration({ AGENT_CLI_TEMPLATE: AGENT, ...more });
  let service: Service = await serve(configuration);
  let contract = await readContract(service.url);
  const address = (): string => service.url;
  const { token } = STARTED.parse(JSON.parse(await readFile(join(workshop.dataFolder, 'service.json'), 'utf8')));
  const nobody = workerOf(address, () => contract, { personId: '', token, tokenId: '' });
  const { person_id } = Hired.parse((await nobody.call('GET', '/api/v1/whoami')).json());
  const admin = workerOf(address, () => contract, { personId: person_id, token, tokenId: '' });
  let hired = 0;

  return {
    workshop,
    get url() {
      return service.url;
    },
    admin,
    hire: async (...roles) => {
      const name = `Person ${++hired}`;
      const personId = Hired.parse((await admin.call('POST', '/api/v1/people', { name })).json()).person_id;
      for (const [role, repositories] of roles)
        await admin.call('POST', `/api/v1/people/${personId}/roles`, { role, repositories });
      const issued = Issued.parse((await admin.call('POST', `/api/v1/people/${personId}/tokens`, { name: 'A token' })).json());
      return workerOf(address, () => contract, { personId, token: issued.token, tokenId: issued.token_id });
    },
    reopen: async () => {
      await service.stop();
      service = await serve(configuration);
      contract = await readContract(service.url);
    },
    close: async () => {
      await service.stop();
      await workshop.remove();
    },
  };
};

export const WAIT = { prefer: 'wait=60' };

/** Files a request and waits until it was prepared. */
export const filed = async (worker: Worker, more: object = {}): Promise<TaskView> =>
  (await worker.call('POST', '/api/v1/tasks', { intent: 'Make the sum a sum.', ...more }, WAIT)).task();

export const act = (worker: Worker, { taskId }: Pick<TaskView, 'taskId'>, body: object, headers = {}): Promise<Answer> =>
  worker.call('POST', `/api/v1/tasks/${taskId}/actions`, body, headers);

/** Approves what the open gate shows. */
export const approve = (worker: Worker, task: TaskView, headers = {}): Promise<Answer> =>
  act(worker, task, { action: 'approve', approval_digest: task.approval?.digest }, headers);
