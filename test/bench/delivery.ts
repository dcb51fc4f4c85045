import { execa } from 'execa';
import { serve } from '../../src/main.ts';
import { approve, clientOf, file } from '../support/client.ts';
import { ensureDocker } from '../support/docker-daemon.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { type Files, openWorkshop } from '../support/workshop.ts';
import { absolute, type Figure, longestStall, median } from './figure.ts';

const ROUNDS = 9;

const bareRun = async (image: string): Promise<number> => {
  const begin = performance.now();
  await execa('docker', ['run', '--rm', '--network', 'none', image, 'sh', '-c', 'true'], {
    extendEnv: false,
    env: { PATH: process.env.PATH },
  });
  return performance.now() - begin;
};

/** Approve to Draft pull request with an agent that does next to nothing, less a bare `docker run` of the same command. */
export const delivering = async (): Promise<Figure[]> => {
  await ensureDocker();
  const image = await ensureTestImage();
  const workshop = await openWorkshop({ 'README.md': 'Hello.\n' });
  const service = await serve(
    workshop.configuration({
      SANDBOX: 'docker',
      SANDBOX_IMAGE: image,
      DEFAULT_TEST_COMMAND: 'true',
      AGENT_CLI_TEMPLATE: 'date +%N > now.txt # $OKD_INTENT',
    }),
  );
  const extra: number[] = [];
  try {
    const client = await clientOf(workshop.dataFolder);
    for (let round = 0; round < ROUNDS; round++) {
      const bare = await bareRun(image);
      const filed = await file(client, `Round ${round}`);
      const begin = Date.now();
      const done = await approve(client, filed);
      if (done.status !== 'COMPLETED') throw new Error(`${done.status}: ${done.sentence}`);
      // The bookkeeping comes after the pull request.
      const opened = done.transitions.find(({ status }) => status === 'PR_CREATED')?.at ?? '';
      if (round > 0) extra.push(Date.parse(opened) - begin - bare);
    }
  } finally {
    await service.stop();
    await workshop.remove();
  }
  return [absolute('approve to Draft pull request, over a bare docker run', median(extra), 'ms', '<= 200')];
};

const FILES = 20_000;
const BYTES = 200 * 1024 * 1024;

const largeTree = (): Files => {
  const content = Buffer.alloc(BYTES / FILES, 'The quick brown fox jumps over the lazy dog.\n');
  const files: Record<string, Buffer> = {};
  for (let index = 0; index < FILES; index++) {
    const own = Buffer.from(content);
    own.write(`${index}\n`);
    files[`folder-${index % 200}/file-${index}.txt`] = own;
  }
  return files;
};

/** How long the event loop stands still while a large repository is delivered. */
export const deliveringLarge = async (): Promise<Figure[]> => {
  const workshop = await openWorkshop({ ...largeTree(), 'test.sh': 'true\n' });
  const service = await serve(workshop.configuration({ AGENT_CLI_TEMPLATE: 'date +%N > now.txt # $OKD_INTENT' }));
  try {
    const client = await clientOf(workshop.dataFolder);
    const begin = performance.now();
    const stall = await longestStall(async () => {
      const done = await approve(client, await file(client, 'Say what time it is.'));
      if (done.status !== 'COMPLETED') throw new Error(`${done.status}: ${done.sentence}`);
    });
    return [
      absolute('longest stall of the event loop, 20,000 files of 200 MB', stall, 'ms', '<= 50'),
      absolute('delivering 20,000 files of 200 MB', (performance.now() - begin) / 1_000, 's', '<= 120'),
    ];
  } finally {
    await service.stop();
    await workshop.remove();
  }
};
