import { createBubblewrapSandbox } from '../../src/infra/sandbox/bubblewrap.ts';
import { describeSandbox } from './contract.ts';
import { workbench } from './workbench.ts';

describeSandbox('bubblewrap', async () => {
  const sandbox = createBubblewrapSandbox();
  return workbench(sandbox, await sandbox.resolveImage('node:24'));
});
