import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { act, approve, filed, type Office, openOffice, WAIT, type Worker } from './office.ts';

describe('Over the HTTP API', () => {
  let office: Office;
  let admin: Worker;
  let viewer: Worker;
  let requester: Worker;
  let approver: Worker;
  let stranger: Worker;

  beforeAll(async () => {
    office = await openOffice();
    ({ admin } = office);
    await admin.call('POST', '/api/v1/repositories', { url: office.workshop.origin, name: 'other/gadgets' });
    viewer = await office.hire(['viewer', 'acme/*']);
    requester = await office.hire(['requester', 'acme/widgets']);
    approver = await office.hire(['approver', 'acme/*']);
    stranger = await office.hire();
  });
  afterAll(() => office?.close());

  describe('a person', () => {
    it('knows who it is and what it may do', async () => {
      expect((await viewer.call('GET', '/api/v1/whoami')).json()).toEqual({
        person_id: viewer.personId,
        name: 'Person 1',
        roles: [{ role: 'viewer', repositories: 'acme/*' }],
        identities: [],
      });
    });

    it('sees the repositories it may read', async () => {
      const names = async (worker: Worker) =>
        ((await worker.call('GET', '/api/v1/repositories')).json() as { repositories: { name: string }[] }).repositories.map(
          ({ name }) => name,
        );
      expect(await names(admin)).toEqual(['acme/widgets', 'other/gadgets']);
      expect(await names(viewer)).toEqual(['acme/widgets']);
      expect(await names(stranger)).toEqual([]);
    });

    it('may file, approve or only read, by its role', async () => {
      const task = await filed(requester);
      const refused = async (what: Promise<{ status: number; code(): string }>) => {
        const answer = await what;
        return [answer.status, answer.code()];
      };
      expect(await refused(viewer.call('POST', '/api/v1/tasks', { intent: 'I may not.' }))).toEqual([403, 'FORBIDDEN']);
      expect(await refused(approver.call('POST', '/api/v1/tasks', { intent: 'I may not.' }))).toEqual([403, 'FORBIDDEN']);
      expect(await refused(approve(requester, task))).toEqual([403, 'FORBIDDEN']);
      expect(await refused(approve(viewer, task))).toEqual([403, 'FORBIDDEN']);
      expect(await refused(act(viewer, task, { action: 'cancel' }))).toEqual([403, 'FORBIDDEN']);
      expect(await refused(act(requester, task, { action: 'reject' }))).toEqual([403, 'FORBIDDEN']);
      expect((await viewer.call('GET', `/api/v1/tasks/${task.taskId}`)).status).toBe(200);
      const approved = (await approve(approver, task, WAIT)).task();
      expect(approved).toMatchObject({ status: 'COMPLETED', approvedBy: approver.personId, triggerUser: requester.personId });
      expect(approved.approvals).toMatchObject([{ by: approver.personId, byRequester: false }]);
      expect(await refused(viewer.call('POST', `/api/v1/tasks/${task.taskId}/rerun`, {}))).toEqual([403, 'FORBIDDEN']);
    });

    it('may stop its own request', async () => {
      const task = await filed(requester);
      expect((await act(requester, task, { action: 'cancel' }, WAIT)).task().errorCode).toBe('CANCELLED');
    });

    it('gets no rights from a name in the body', async () => {
      const task = await filed(requester);
      const answer = await act(requester, task, {
        action: 'approve',
        approval_digest: task.approval?.digest,
        actor: approver.personId,
      });
      expect([answer.status, answer.code()]).toEqual([403, 'FORBIDDEN']);
      for (const more of [{ actor: admin.personId }, { personId: admin.personId }, { requestedBy: 'x' }, { role: 'admin' }]) {
        const filedAs = await requester.call('POST', '/api/v1/tasks', { intent: 'As another.', ...more });
        expect([filedAs.status, filedAs.code()]).toEqual([400, 'VALIDATION_ERROR']);
      }
      const labelled = await requester.call('POST', '/api/v1/tasks', { intent: 'As another.', trigger_user: admin.personId });
      expect(labelled.task()).toMatchObject({ triggerUser: requester.personId, onBehalfOf: admin.personId });
    });

    it('does not learn of tasks of repositories it may not read', async () => {
      const task = await filed(admin, { repo: 'other/gadgets' });
      const calls: readonly (readonly [string, string, object?])[] = [
        ['GET', ''],
        ['GET', '/events'],
        ['GET', '/patch'],
        ['GET', '/logs'],
        ['POST', '/actions', { action: 'cancel' }],
        ['POST', '/actions', { action: 'approve', approval_digest: task.approval?.digest }],
        ['POST', '/rerun', {}],
      ];
      for (const worker of [viewer, requester, approver, stranger]) {
        for (const [method, path, body] of calls) {
          const answer = await worker.call(method, `/api/v1/tasks/${task.taskId}${path}`, body);
          expect([path, answer.status, answer.code()]).toEqual([path, 404, 'TASK_NOT_FOUND']);
        }
        const listed = await worker.call('GET', '/api/v1/tasks?limit=100');
        expect(listed.text).not.toContain(task.taskId);
        expect((await worker.call('GET', '/api/v1/tasks?repo=other/gadgets')).json()).toMatchObject({ tasks: [] });
      }
    });

    it('may not move a request to where it may not ask', async () => {
      const task = await filed(requester);
      await act(approver, task, { action: 'ask', question: 'Where?' }, WAIT);
      const answer = await act(requester, task, { action: 'clarify', repo: 'other/gadgets' });
      expect(answer.status).toBeGreaterThanOrEqual(403);
      expect((await admin.call('GET', `/api/v1/tasks/${task.taskId}`)).task().repo).toBe('acme/widgets');
    });

    it('who is no admin administers nothing', async () => {
      const calls: readonly (readonly [string, string, object?])[] = [
        ['GET', '/api/v1/people'],
        ['POST', '/api/v1/people', { name: 'Mallory' }],
        ['POST', `/api/v1/people/${approver.personId}/roles`, { role: 'admin', repositories: '*' }],
        ['DELETE', `/api/v1/people/${viewer.personId}/roles`, { role: 'viewer', repositories: 'acme/*' }],
        ['POST', `/api/v1/people/${admin.personId}/tokens`, { name: 'Mine' }],
        ['GET', `/api/v1/people/${viewer.personId}/tokens`],
        ['DELETE', `/api/v1/people/${viewer.personId}/tokens/${viewer.tokenId}`],
        ['POST', '/api/v1/repositories', { url: office.workshop.origin, name: 'acme/mine' }],
        ['DELETE', '/api/v1/repositories/other%2Fgadgets'],
        ['POST', '/api/v1/projections/rebuild', {}],
        ['POST', '/api/v1/projections/resume', {}],
        ['GET', '/api/v1/audit.jsonl'],
        ['GET', '/api/v1/health/details'],
      ];
      for (const [method, path, body] of calls) {
        const answer = await approver.call(method, path, body);
        expect([method, path, answer.status, answer.code()]).toEqual([method, path, 403, 'FORBIDDEN']);
      }
      expect((await viewer.call('GET', `/api/v1/people/${viewer.personId}/tokens`)).json()).toMatchObject({
        tokens: [{ token_id: viewer.tokenId, name: 'A token', expires_at: null }],
      });
    });
  });

  describe('a token', () => {
    it('is worthless the moment it is revoked', async () => {
      const worker = await office.hire(['viewer', '*']);
      const path = `/api/v1/people/${worker.personId}/tokens/${worker.tokenId}`;
      expect((await worker.call('GET', '/api/v1/whoami')).status).toBe(200);
      expect((await admin.call('DELETE', path)).status).toBe(200);
      const after = await worker.call('GET', '/api/v1/whoami');
      expect([after.status, after.code(), after.headers.get('www-authenticate')]).toEqual([401, 'UNAUTHORIZED', 'Bearer']);
      expect((await admin.call('DELETE', path)).status).toBe(404);
    });

    it('expires', async () => {
      const issued = await admin.call('POST', `/api/v1/people/${viewer.personId}/tokens`, {
        name: 'Short',
        expires_at: new Date(Date.now() + 600).toISOString(),
      });
      const headers = { authorization: `Bearer ${issued.json().token}` };
      expect((await viewer.call('GET', '/api/v1/whoami', undefined, headers)).status).toBe(200);
      await pause(700);
      expect((await viewer.call('GET', '/api/v1/whoami', undefined, headers)).status).toBe(401);
    });

    it('is shown once and stored nowhere', async () => {
      const listed = await admin.call('GET', `/api/v1/people/${viewer.personId}/tokens`);
      const audit = await admin.call('GET', '/api/v1/audit.jsonl');
      for (const { text } of [listed, audit, await admin.call('GET', '/api/v1/people')]) expect(text).not.toContain(viewer.token);
      expect(listed.text).not.toMatch(/[0-9a-f]{64}/);
    });
  });

  describe('a role', () => {
    it('is gone the moment it is taken back', async () => {
      const worker = await office.hire(['requester', 'acme/widgets']);
      const task = await filed(worker);
      await admin.call('DELETE', `/api/v1/people/${worker.personId}/roles`, { role: 'requester', repositories: 'acme/widgets' });
      expect((await worker.call('GET', `/api/v1/tasks/${task.taskId}`)).status).toBe(404);
      expect((await worker.call('POST', '/api/v1/tasks', { intent: 'Once more.' })).status).toBe(403);
      expect((await worker.call('GET', '/api/v1/tasks')).json()).toMatchObject({ tasks: [] });
    });

    it('of the last admin stays', async () => {
      const answer = await admin.call('DELETE', `/api/v1/people/${admin.personId}/roles`, { role: 'admin', repositories: '*' });
      expect([answer.status, answer.code()]).toEqual([409, 'INVALID_ACTION']);
    });

    it.each([
      { role: 'owner', repositories: '*' },
      { role: 'viewer', repositories: '../*' },
      { role: 'viewer' },
      { role: 'viewer', repositories: '**' },
    ])('must be one: %j', async (role) => {
      const answer = await admin.call('POST', `/api/v1/people/${viewer.personId}/roles`, role);
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
    });

    it('is given to nobody who is not known', async () => {
      const nobody = `person-${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`;
      const answer = await admin.call('POST', `/api/v1/people/${nobody}/roles`, { role: 'viewer', repositories: '*' });
      expect([answer.status, answer.code()]).toEqual([404, 'INVALID_ACTION']);
      expect((await admin.call('GET', `/api/v1/people/${nobody}/tokens`)).status).toBe(404);
      expect((await admin.call('GET', '/api/v1/people/person-%2e%2e/tokens')).status).toBe(400);
    });
  });

  it('a person is added once, however often the request arrives', async () => {
    const key = { 'idempotency-key': 'add-once' };
    const first = await admin.call('POST', '/api/v1/people', { name: 'Once' }, key);
    const second = await admin.call('POST', '/api/v1/people', { name: 'Once' }, key);
    expect(second.json().person_id).toBe(first.json().person_id);
    const other = await admin.call('POST', '/api/v1/people', { name: 'Twice' }, key);
    expect(other.status).toBeGreaterThanOrEqual(409);
    const { text } = await admin.call('GET', '/api/v1/people');
    expect(text.split('"Once"')).toHaveLength(2);
  });

  describe('a repository', () => {
    it('is added, listed and removed', async () => {
      const added = await admin.call('POST', '/api/v1/repositories', { url: office.workshop.origin, name: 'acme/more' });
      expect([added.status, added.json().name, added.json().elsewhere]).toEqual([201, 'acme/more', null]);
      expect((await admin.call('DELETE', '/api/v1/repositories/acme%2Fmore')).json()).toEqual({ removed: 'acme/more' });
      expect((await admin.call('DELETE', '/api/v1/repositories/acme/more')).code()).toBe('INVALID_ACTION');
    });

    it('is added once, by everybody who adds it at the same time', async () => {
      const repository = { url: office.workshop.origin, name: 'acme/both' };
      const answers = await Promise.all([1, 2, 3, 4].map(() => admin.call('POST', '/api/v1/repositories', repository)));
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      expect(await readdir(join(office.workshop.folder, 'repos/acme'))).toEqual(['both', 'widgets']);
      await admin.call('DELETE', '/api/v1/repositories/acme%2Fboth');
    });

    it.each(['ext::sh -c true', '--upload-pack=touch', '-x', '/nowhere/at/all', 'https://', 'file:///etc', ''])(
      'is not made of %j',
      async (url) => {
        const answer = await admin.call('POST', '/api/v1/repositories', { url, name: 'acme/evil' });
        expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
        expect(answer.text).not.toContain(office.workshop.folder);
      },
    );

    it.each(['..', '%2e%2e%2f%2e%2e%2fdata', '.', '-x', 'a%00b', 'a%2f..%2f..%2fb'])('is not removed as %s', async (name) => {
      const answer = await admin.call('DELETE', `/api/v1/repositories/${name}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    });
  });
});
