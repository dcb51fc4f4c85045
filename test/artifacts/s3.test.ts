import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/domain/canonical.ts';
import { pruneArtifacts } from '../../src/infra/artifact-retention.ts';
import { createS3Artifacts, type S3Place } from '../../src/infra/s3-artifacts.ts';
import { BUCKET, KEY, REGION, type S3Server, startS3 } from '../support/s3.ts';
import { artifactsContract, BYTES } from './contract.ts';

let server: S3Server;
beforeEach(async () => {
  server = await startS3();
});
afterEach(() => server.stop());

const place = (more: Partial<S3Place> = {}): S3Place => ({
  bucket: BUCKET,
  prefix: 'team/one',
  endpoint: server.endpoint,
  region: REGION,
  ...KEY,
  ...more,
});
const open = (more: Partial<S3Place> = {}, bytesMax = 1024 * 1024) => createS3Artifacts(place(more), bytesMax);
const keyOf = (digest: string): string => `team/one/${digest.slice(0, 2)}/${digest}`;

describe('Artifacts in S3', () => {
  artifactsContract(async () => ({
    open: (bytesMax) => open({}, bytesMax),
    names: async () => [...server.objects.keys()].map((key) => key.slice(-64)),
    replace: async (digest, bytes) => void server.objects.set(keyOf(digest), bytes),
    remove: async (digest) => void server.objects.delete(keyOf(digest)),
    age: async (digest, hours) => void server.putAt.set(keyOf(digest), new Date(Date.now() - hours * 3_600_000)),
  }));

  it('stand below the prefix, or at the top of the bucket without one', async () => {
    const { digest } = await open().put(BYTES);
    await open({ prefix: '' }).put(BYTES);
    expect([...server.objects.keys()]).toEqual([keyOf(digest), `${digest.slice(0, 2)}/${digest}`]);
  });

  it('are put again when the store is too busy, or its answer was lost', async () => {
    server.faults.slowDown = 1;
    server.faults.acknowledgementsToLose = 1;
    const ref = await open().put(BYTES);
    expect(await open().get(ref)).toEqual(BYTES);
    expect(server.calls.filter((call) => call.startsWith('PUT'))).toHaveLength(2);
  });

  it('wait for a store that is away, which is nobody’s fault here', async () => {
    const artifacts = open();
    await server.stop();
    await expect(artifacts.put(BYTES)).rejects.toMatchObject({
      name: 'OutsideFailure',
      message: expect.stringContaining('does not answer'),
    });
    await expect(artifacts.get({ digest: sha256(BYTES), bytes: 5 })).rejects.toMatchObject({ name: 'OutsideFailure' });
  });

  it('wait no longer for a store that stops in the middle of one', async () => {
    const ref = await open().put(BYTES);
    server.faults.stalled = true;
    const hasty = createS3Artifacts(place(), 1024 * 1024, 300);
    await expect(hasty.get(ref)).rejects.toMatchObject({ name: 'OutsideFailure' });
    server.faults.stalled = false;
    expect(await hasty.get(ref)).toEqual(BYTES);
  });

  it.for([
    ['another secret', { secret: 'another-secret-of-forty-characters-or-so' }, 'refuses ARTIFACT_STORE_SECRET'],
    ['another key', { keyId: 'AKIASOMEBODYELSE0001' }, 'does not know ARTIFACT_STORE_KEY_ID'],
    ['another bucket', { bucket: 'nobodys' }, 'has no such bucket'],
  ] as const)('are refused with %s, and the sentence says what to do and no secret', async ([, more, sentence]) => {
    const failed = await open(more)
      .put(BYTES)
      .catch((error: Error) => error.message);
    expect(failed).toContain(sentence);
    for (const secret of [KEY.secret, KEY.keyId, server.endpoint, ...Object.values(more)]) expect(failed).not.toContain(secret);
    expect(server.objects.size).toBe(0);
  });

  it('are told from what else stands in the bucket, which nobody clears away', async () => {
    const { digest } = await open().put(BYTES);
    const others = [
      `team/one/${digest.slice(0, 2)}/notes.txt`,
      `team/one/zz/${digest}`,
      `team/two/${digest.slice(0, 2)}/${digest}`,
    ];
    for (const key of others) server.objects.set(key, BYTES);
    for (const key of server.objects.keys()) server.putAt.set(key, new Date(0));
    await pruneArtifacts(open(), { ageMsMax: 1, bytesMax: 1 }, async () => new Set());
    expect([...server.objects.keys()]).toEqual(others);
  });

  it('are refused to a key without the right', async () => {
    server.faults.denied = true;
    await expect(open().put(BYTES)).rejects.toThrow('refuses this key');
    await expect(Array.fromAsync(open().list())).rejects.toThrow('refuses this key');
  });
});

describe('The S3 server of the tests', () => {
  it('believes nothing that is not signed, and stores nothing whose sum is wrong', async () => {
    const url = `${server.endpoint}/${BUCKET}/x`;
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403);
    expect(server.objects.size).toBe(0);
  });
});
