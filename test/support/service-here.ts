import type { Configuration } from '../../src/infra/config/configuration.ts';
import { serve } from '../../src/main.ts';
import { type Client, clientOf } from './client.ts';
import { commitTree, type TreeFiles } from './git-commands.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** An agent that does what the request says, in the words of a shell. */
export const SHELL_AGENT = 'sh -c "$OKD_INTENT"';

/** A service in this process, with a workshop of its own. */
export interface ServiceHere {
  readonly workshop: Workshop;
  readonly client: Client;
  close(): Promise<void>;
}

/** `branches` are made at the origin before the service starts; `changes` are what no variable can say. */
export const openService = async (
  variables: Readonly<Record<string, string>> = {},
  branches: Readonly<Record<string, TreeFiles>> = {},
  changes: Partial<Configuration> = {},
): Promise<ServiceHere> => {
  const workshop = await openWorkshop();
  for (const [branch, files] of Object.entries(branches)) await commitTree(workshop.origin, branch, files);
  const configuration = workshop.configuration({
    AGENT_CLI_TEMPLATE: SHELL_AGENT,
    RUNNING_PER_REPOSITORY_MAX: '4',
    ...variables,
  });
  const service = await serve({ ...configuration, ...changes });
  return {
    workshop,
    client: await clientOf(workshop.dataFolder),
    close: async () => {
      try {
        await service.stop();
      } finally {
        await workshop.remove();
      }
    },
  };
};
