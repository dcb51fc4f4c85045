import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { sealed } from '../../src/domain/event.ts';
import { openSqliteStore } from '../../src/infra/store/sqlite.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { approve, file, look } from '../support/client.ts';
import { openService, type ServiceHere } from '../support/service-here.ts';

const Health = z.object({ components: z.array(z.object({ name: z.string(), status: z.string(), sentence: z.string() })) });
const Resumed = z.object({ resumed: z.int(), parked: z.array(z.object({ stream: z.string() })) });

describe('An event that no code here understands', { timeout: 60_000 }, () => {
  let service: ServiceHere;
  let poisoned: TaskView;
  beforeAll(async () => {
    service = await openService();
    poisoned = await file(service.client, "printf 'echo $(($1 + $2))\\n' > sum.sh");
    const store = openSqliteStore({ file: join(service.workshop.dataFolder, 'log.db') });
    const stream = `task-${poisoned.taskId}`;
    const [last] = await Array.fromAsync(store.readStream(stream, { direction: 'backwards', limit: 1 }));
    const fact = { type: 'TaskPraised', data: { taskId: poisoned.taskId } };
    const command = { ...fact, id: randomUUID(), actor: 'person-newer', channel: 'api', at: new Date().toISOString() };
    const [next, hash] = [(last?.revision ?? 0) + 1, last?.metadata.hash ?? ''];
    await store.append(stream, sealed(stream, [fact], command, next, hash), next - 1);
    await store.close();
    await vi.waitFor(async () => expect((await look(service.client, poisoned)).sentence).toContain('TaskPraised'), 5_000);
  });
  afterAll(() => service.close());

  it('lets its task stand still, which says so and takes no command', async () => {
    expect(await look(service.client, poisoned)).toMatchObject({ status: 'WAIT_APPROVE_WRITE', approval: null, waitsFor: null });
    const action = { action: 'approve', approval_digest: poisoned.approval?.digest };
    const answer = await service.client.call('POST', `/api/v1/tasks/${poisoned.taskId}/actions`, action);
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('Update the service');
  });

  it('stands in the health of the service', async () => {
    const { components } = Health.parse((await service.client.call('GET', '/api/v1/health/details')).json());
    const told = components.filter(({ name }) => name === 'views');
    expect(told).toMatchObject([{ status: 'warn', sentence: expect.stringContaining(`task-${poisoned.taskId}`) }]);
  });

  it('stops no other task', async () => {
    const other = await file(service.client, "printf 'echo $(($1 + $2))\\n' > sum.sh");
    const done = await approve(service.client, other);
    expect(done.status, done.sentence).toBe('COMPLETED');
  });

  it('stays where it is when its stream is tried again', async () => {
    const answer = Resumed.parse((await service.client.call('POST', '/api/v1/projections/resume', {})).json());
    expect(answer).toEqual({ resumed: 0, parked: [{ stream: `task-${poisoned.taskId}` }] });
  });
});
