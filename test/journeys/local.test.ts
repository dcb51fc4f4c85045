import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../../src/infra/cli/composition.ts';
import { serve } from '../../src/main.ts';
import { approve, type Client, clientOf, file } from '../support/client.ts';
import { git } from '../support/git-commands.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';

describe('A request for a change on the embedded defaults', () => {
  let workshop: Workshop;
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    workshop = await openWorkshop();
    service = await serve(workshop.configuration({ AGENT_CLI_TEMPLATE: 'sed -i s/-/+/ sum.sh # $OKD_INTENT' }));
    client = await clientOf(workshop.dataFolder);
  });
  afterAll(async () => {
    await service?.stop();
    await workshop?.remove();
  });

  it('becomes a Draft pull request with exactly the tested tree', async () => {
    const filed = await file(client, 'Make the sum a sum.');
    expect(filed.status, filed.sentence).toBe('WAIT_APPROVE_WRITE');

    const { status, sentence, pullRequest, trees } = await approve(client, filed);
    expect(status, sentence).toBe('COMPLETED');
    const branch = pullRequest?.branch ?? '';
    expect(await git(workshop.origin, ['rev-parse', `${branch}^{tree}`])).toBe(trees.tested);
    expect(await git(workshop.origin, ['rev-parse', branch])).toBe(pullRequest?.head);
    expect(await git(workshop.origin, ['show', `${branch}:sum.sh`])).toBe('echo $(($1 + $2))');
  });
});
