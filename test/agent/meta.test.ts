import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readAgentMeta } from '../../src/infra/agent/meta.ts';
import { createRedactor } from '../../src/infra/redact.ts';

const KEY = 'model-key-0123456789abcdef';

const read = async (meta: object) => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'agent.meta.json'), JSON.stringify(meta));
  return readAgentMeta(folder, createRedactor([KEY]));
};

describe('What an agent says about itself', () => {
  it('is taken as it is, without secrets in its values', async () => {
    expect(await read({ model: 'small', tokens_in: '12', note: `with ${KEY}` })).toEqual({
      meta: { model: 'small', tokens_in: '12', note: 'with [redacted]' },
    });
  });

  it('is left aside when a secret is a name in it', async () => {
    expect(await read({ model: 'small', [KEY]: 'x' })).toEqual({
      meta: {},
      note: 'agent.meta.json was left aside: a name in it looks like a secret.',
    });
  });
});
