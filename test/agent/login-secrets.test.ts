import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loginSecrets } from '../../src/infra/agent/login-secrets.ts';

it('finds the credentials of a login, whatever format the file has, and passes over what is no file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-login-'));
  try {
    const login = join(folder, 'auth.json');
    await writeFile(
      login,
      JSON.stringify({ tokens: { access_token: 'eyJhbGciOi.JzdWIiOiIxMjM0.abcDEF_123-xyz', plan: 'team' } }),
    );
    expect(loginSecrets([login, folder, join(folder, 'absent')])).toEqual(['eyJhbGciOi.JzdWIiOiIxMjM0.abcDEF_123-xyz']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
