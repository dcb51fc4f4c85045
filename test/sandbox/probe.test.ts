import { describe, expect, it } from 'vitest';
import { createBubblewrapSandbox } from '../../src/infra/sandbox/bubblewrap.ts';
import { createDockerSandbox } from '../../src/infra/sandbox/docker.ts';
import { probeBubblewrap, probeDocker, probeWrites } from '../../src/infra/sandbox/probe.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';

describe('Preflight of the sandbox', () => {
  it('names the versions of the engine and of runc', async () => {
    await ensureDocker();
    const { ok, sentence } = await probeDocker();
    expect(ok).toBe(true);
    expect(sentence).toMatch(/^Docker \S+ \(API \S+\), runtime runc, runc \S+, cgroup v[12]\.$/);
  });

  it('fails for a runtime that the engine does not know', async () => {
    await ensureDocker();
    expect(await probeDocker({ runtime: 'no-such-runtime' })).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('no-such-runtime'),
    });
  });

  it('fails where no engine answers, and says what to do', async () => {
    const probe = await probeDocker({ socketPath: '/nowhere/docker.sock' });
    expect(probe).toMatchObject({ ok: false, sentence: expect.stringContaining('Install') });
    expect(probe.sentence).not.toContain('/nowhere');
  });

  it('tries to write where a test must not', async () => {
    const image = await ensureTestImage();
    expect(await probeWrites(createDockerSandbox(), image)).toMatchObject({ ok: true });
    expect(await probeWrites(createBubblewrapSandbox(), 'host')).toMatchObject({ ok: true });
  });

  it('notices a wall that is open', async () => {
    const open = {
      ...createBubblewrapSandbox(),
      run: async () => ({ outcome: 'tests_failed', exitCode: 1, log: Buffer.alloc(0), durationMs: 1 }) as const,
    };
    expect(await probeWrites(open, 'host')).toMatchObject({ ok: false });
  });

  it('says that bubblewrap is weaker', async () => {
    expect(await probeBubblewrap()).toMatchObject({ ok: true, warnings: [expect.stringContaining('weaker than Docker')] });
  });
});
