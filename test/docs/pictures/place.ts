import { cp } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { connectDocker } from '../../../src/infra/sandbox/docker-engine.ts';
import { ensureExampleImage } from '../../../src/infra/sandbox/example-image.ts';
import { startGitHub } from '../../support/github/index.ts';
import { openOffice } from '../../telegram/office.ts';

const SHOP = join(import.meta.dirname, '../../../src/infra/cli/demo/repository');
const IMAGE_TIMEOUT_MS = 120_000;

/** The real service in front of Telegram and GitHub on loopback, with the shop of the demo, Docker, and an agent that is a script. */
export const openPlace = async () => {
  const image = await ensureExampleImage(connectDocker(undefined, IMAGE_TIMEOUT_MS));
  const github = await startGitHub({
    repositories: [{ owner: 'acme', name: 'shop', seed: (folder) => cp(SHOP, folder, { recursive: true }) }],
    shownAs: 'https://github.com',
  });
  // Where the service finds the agent, and gh the way to this GitHub.
  process.env.PATH = [import.meta.dirname, process.env.PATH].join(delimiter);
  process.env.GH_CONFIG_DIR = github.ghEnvironment.GH_CONFIG_DIR;
  const office = await openOffice({
    variables: {
      REPO_SNAPSHOT_ROOT: join(github.ghEnvironment.HOME ?? '', 'snapshots'),
      DEFAULT_REPO: 'acme/shop',
      FORGE: 'github',
      GH_HOST: github.ghEnvironment.GH_HOST ?? '',
      GH_TOKEN: github.gitToken,
      SANDBOX: 'docker',
      SANDBOX_IMAGE: image,
      DEFAULT_TEST_COMMAND: 'node --test',
      AGENT_PROVIDER: 'codex',
      AGENT_CLI_TEMPLATE: 'scripted-agent.sh',
    },
  });
  const { status, text } = await office.admin.call('POST', '/api/v1/repositories', { url: github.remoteUrl('acme/shop') });
  if (status !== 201) throw new Error(text);
  return {
    ...office,
    close: async () => {
      try {
        await office.close();
      } finally {
        await github.stop();
      }
    },
  };
};

export type Place = Awaited<ReturnType<typeof openPlace>>;
