import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/projections/audit.ts';
import type { PersonView } from '../../src/projections/people.ts';
import { filed, type Office, openOffice, type Worker } from './office.ts';

const PHONE = '4711';
const GROUP = '-1004711';
const NAME = 'Rosalind of the twelfth floor';

describe('Over the HTTP API', () => {
  let office: Office;
  let admin: Worker;
  let anna: Worker;

  const of = ({ personId }: Pick<Worker, 'personId'>, path = ''): string => `/api/v1/people/${personId}${path}`;
  const account = (subject = PHONE) => ({ channel: 'telegram', subject });
  const shown = async (worker: Pick<Worker, 'personId'>): Promise<PersonView> =>
    ((await admin.call('GET', of(worker))).json() as { person: PersonView }).person;

  beforeAll(async () => {
    office = await openOffice();
    ({ admin } = office);
    anna = await office.hire(['requester', 'acme/widgets']);
  });
  afterAll(() => office?.close());

  describe('an account', () => {
    it('is linked to one person, shown to admins and that person, and unlinked', async () => {
      expect((await admin.call('POST', of(anna, '/identities'), account())).status).toBe(200);
      expect((await shown(anna)).identities).toMatchObject([account()]);
      expect((await anna.call('GET', '/api/v1/whoami')).json()).toMatchObject({ identities: [account()] });
      expect((await anna.call('GET', of(anna))).status).toBe(200);
      const taken = await admin.call('POST', of(admin, '/identities'), account());
      expect([taken.status, taken.code()]).toEqual([409, 'STATE_CONFLICT']);
      expect(taken.text).not.toContain(anna.personId);
      expect((await admin.call('DELETE', of(anna, '/identities'), account())).status).toBe(200);
      expect((await shown(anna)).identities).toEqual([]);
      expect((await admin.call('DELETE', of(anna, '/identities'), account())).status).toBe(404);
    });

    it('is one person, however many link it at the same moment', async () => {
      const people = await Promise.all([office.hire(), office.hire(), office.hire()]);
      const answers = await Promise.all(people.map((one) => admin.call('POST', of(one, '/identities'), account('99'))));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
      const holders = await Promise.all(people.map(shown));
      expect(holders.flatMap(({ identities }) => identities)).toHaveLength(1);
    });

    it.each([
      { channel: 'telegram', subject: '@anna' },
      { channel: 'telegram', subject: '-100' },
      { channel: 'carrier-pigeon', subject: '1' },
      { channel: 'telegram' },
      { channel: 'telegram', subject: '1', personId: 'person-x' },
    ])('is not %j', async (body) => {
      const answer = await admin.call('POST', of(anna, '/identities'), body);
      expect([answer.status, answer.code()]).toEqual([400, 'VALIDATION_ERROR']);
    });
  });

  describe('an invitation', () => {
    it('is shown once, by its code, and withdrawn', async () => {
      const made = (await admin.call('POST', of(anna, '/invitations'), {})).json();
      expect(made).toMatchObject({ code: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/), link: null });
      expect(made.say).toBe(`/start ${made.code}`);
      const view = await admin.call('GET', of(anna));
      expect(view.text).not.toContain(made.code);
      expect((await shown(anna)).invitations).toMatchObject([{ invitationId: made.invitation_id, expiresAt: made.expires_at }]);
      expect((await admin.call('DELETE', of(anna, `/invitations/${made.invitation_id}`))).status).toBe(200);
      expect((await shown(anna)).invitations).toEqual([]);
    });

    it.each([{ hours: 0 }, { hours: 169 }, { hours: 1.5 }, { channel: 'http' }])('is not made with %j', async (body) => {
      expect((await admin.call('POST', of(anna, '/invitations'), body)).code()).toBe('VALIDATION_ERROR');
    });
  });

  describe('a chat', () => {
    it('is allowed, listed and forbidden', async () => {
      const made = await admin.call('POST', '/api/v1/chats', { subject: GROUP, title: 'Engine room' });
      const { chat_id: chatId } = made.json();
      const listed = async () => (await admin.call('GET', '/api/v1/chats')).json().chats;
      expect(await listed()).toMatchObject([{ chatId, subject: GROUP, title: 'Engine room', allowed: true }]);
      expect((await admin.call('DELETE', `/api/v1/chats/${chatId}`)).status).toBe(200);
      expect(await listed()).toMatchObject([{ chatId, allowed: false }]);
      expect((await admin.call('DELETE', `/api/v1/chats/${anna.tokenId}`)).status).toBe(404);
    });

    it.each(['4711', '@engine-room', ''])('is not %j', async (subject) => {
      expect((await admin.call('POST', '/api/v1/chats', { subject })).code()).toBe('VALIDATION_ERROR');
    });
  });

  it('who is no admin manages nobody’s accounts, codes and chats', async () => {
    const calls: readonly (readonly [string, string, object?])[] = [
      ['GET', of(admin)],
      ['DELETE', of(admin)],
      ['DELETE', of(anna)],
      ['POST', of(anna, '/identities'), account('12')],
      ['DELETE', of(anna, '/identities'), account()],
      ['POST', of(anna, '/invitations'), {}],
      ['DELETE', of(anna, `/invitations/${anna.tokenId}`)],
      ['GET', '/api/v1/chats'],
      ['POST', '/api/v1/chats', { subject: GROUP }],
      ['DELETE', `/api/v1/chats/${anna.tokenId}`],
    ];
    for (const [method, path, body] of calls) {
      const answer = await anna.call(method, path, body);
      expect([method, path, answer.status, answer.code()]).toEqual([method, path, 403, 'FORBIDDEN']);
    }
  });

  it('a token says on which day it was last used', async () => {
    const worker = await office.hire(['viewer', '*']);
    expect((await shown(worker)).tokens).toMatchObject([{ lastUsedOn: null }]);
    const today = new Date().toISOString().slice(0, 10);
    for (let call = 0; call < 5; call++) await worker.call('GET', '/api/v1/whoami');
    await expect
      .poll(async () => (await shown(worker)).tokens[0]?.lastUsedOn)
      .toBeOneOf([today, new Date().toISOString().slice(0, 10)]);
    const audit = (await admin.call('GET', '/api/v1/audit.jsonl')).text;
    const said = audit.split('\n').filter((line) => line.includes('"TokenUsed"') && line.includes(worker.tokenId));
    expect(said.length).toBeLessThanOrEqual(1);
  });

  describe('a person who is erased', () => {
    const onDisk = (what: string): number | null =>
      spawnSync('grep', [
        '--recursive',
        '--text',
        '--quiet',
        what,
        ...['log.db', 'log.db-wal', 'views.db', 'views.db-wal', 'audit.jsonl'].map((file) =>
          join(office.workshop.dataFolder, file),
        ),
      ]).status;
    let rosalind: Worker;

    beforeAll(async () => {
      const { person_id: personId } = (await admin.call('POST', '/api/v1/people', { name: NAME })).json() as {
        person_id: string;
      };
      await admin.call('POST', `/api/v1/people/${personId}/roles`, { role: 'requester', repositories: '*' });
      const issued = await admin.call('POST', `/api/v1/people/${personId}/tokens`, { name: 'Rosalind’s laptop' });
      const { token, token_id: tokenId } = issued.json() as { token: string; token_id: string };
      const call: Worker['call'] = (method, path, body, headers) =>
        admin.call(method, path, body, { authorization: `Bearer ${token}`, ...headers });
      rosalind = { personId, token, tokenId, call };
      await admin.call('POST', of(rosalind, '/identities'), account('1234567890123'));
      await admin.call('POST', of(rosalind, '/invitations'), {});
      await filed(rosalind);
    });

    it('can do nothing from then on, and is nowhere in log, views, audit and export, which still verifies', async () => {
      const words = [NAME, 'Rosalind’s laptop', '1234567890123'];
      await expect.poll(() => words.map(onDisk), { timeout: 10_000 }).toEqual([0, 0, 0]);
      expect((await admin.call('DELETE', of(rosalind))).status).toBe(200);
      expect((await rosalind.call('GET', '/api/v1/whoami')).status).toBe(401);
      expect(await shown(rosalind)).toMatchObject({ name: 'erased', erased: true, roles: [], tokens: [], identities: [] });
      const listed = await admin.call('GET', '/api/v1/people');
      for (const word of words) expect(listed.text).not.toContain(word);
      await expect.poll(() => words.map(onDisk), { timeout: 10_000 }).toEqual([1, 1, 1]);

      const audit = (await admin.call('GET', '/api/v1/audit.jsonl')).text;
      expect(await verifyAudit(audit.trimEnd().split('\n'))).toMatchObject({ valid: true });
      for (const word of words) expect(audit).not.toContain(word);
      expect(audit).toContain('"PersonForgotten"');
      // What they asked for is still theirs, by their id.
      expect((await admin.call('GET', '/api/v1/tasks')).text).toContain(rosalind.personId);
    });

    it('is erased once, and is not made anybody again', async () => {
      expect((await admin.call('DELETE', of(rosalind))).status).toBe(200);
      const granted = await admin.call('POST', of(rosalind, '/roles'), { role: 'viewer', repositories: '*' });
      expect([granted.status, granted.code()]).toEqual([409, 'INVALID_ACTION']);
      expect((await admin.call('POST', of(anna, '/identities'), account('1234567890123'))).status).toBe(200);
    });

    it('is not who asks for it', async () => {
      const answer = await admin.call('DELETE', of(admin));
      expect([answer.status, answer.code()]).toEqual([409, 'INVALID_ACTION']);
      expect((await admin.call('GET', '/api/v1/whoami')).status).toBe(200);
    });

    it('is the same after a restart', async () => {
      await office.reopen();
      expect(await shown(rosalind)).toMatchObject({ name: 'erased' });
      expect((await rosalind.call('GET', '/api/v1/whoami')).status).toBe(401);
    });
  });
});
