// Started by a shell that left a file open for its children: what does a test in bubblewrap have open?
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBubblewrapSandbox } from '../../src/infra/sandbox/bubblewrap.ts';
import { LIMITS } from './limits.ts';

const treeFolder = await mkdtemp(join(tmpdir(), 'countersign-test-'));
const sandbox = createBubblewrapSandbox();
const result = await sandbox.run({
  key: 'leaky',
  owner: 'test',
  image: await sandbox.resolveImage('host'),
  treeFolder,
  command: 'for fd in /proc/self/fd/*; do readlink $fd; done; true',
  limits: LIMITS,
  signal: new AbortController().signal,
  onProgress: () => {},
});
await rm(treeFolder, { recursive: true });
process.stdout.write(result.log);
