import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import { processesAbout } from '../../recovery/remains.ts';
import { git } from '../../support/git-commands.ts';
import type { Site } from '../site.ts';

/** Folders that hold something only while a stage runs. */
const WORK = ['work', 'run/agent', 'run/install', 'git/scratch', 'backups'];
/** Names of what is written beside a file that it then replaces. Half an object of a killed git is left to git's own collection. */
const TEMPORARY = /\.writing-|\.new$|\.making$|mirrors\/.*\.lock$|\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}$/;

const entriesOf = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

const ownerOf = (dataFolder: string): string => createHash('sha256').update(dataFolder).digest('hex').slice(0, 16);

const containersOf = async ({ services, setup }: Pick<Site, 'services' | 'setup'>) => {
  if (setup.sandbox !== 'docker') return [];
  const engine = new Docker();
  const found = services.map(({ dataFolder }) =>
    engine.listContainers({ all: true, filters: { label: [`countersign.owner=${ownerOf(dataFolder)}`] } }),
  );
  return (await Promise.all(found)).flat();
};

/** What services with nothing to do should not have: containers, processes, folders of executions, temporary files, trees that are kept. */
export const remains = async (site: Site): Promise<readonly string[]> => {
  const { folder, artifactFolder, services } = site;
  const containers = (await containersOf(site)).map(({ Names }) => `container ${Names.join()}`);
  const spared = services.flatMap(({ pid }) => pid() ?? []);
  const processes = (await processesAbout(folder, spared)).map((line) => `process ${line}`);
  const left: string[] = [];
  for (const { dataFolder } of services) {
    for (const name of WORK)
      for (const entry of await entriesOf(join(dataFolder, name)))
        if (entry !== '.ballast') left.push(join(dataFolder, name, entry));
    for (const entry of await entriesOf(`${dataFolder}-tmp`)) left.push(join(`${dataFolder}-tmp`, entry));
    const files = await readdir(dataFolder, { recursive: true }).catch(() => []);
    left.push(...files.filter((name) => TEMPORARY.test(name) && !name.includes('.torn/')).map((name) => join(dataFolder, name)));
    for (const mirror of (await entriesOf(join(dataFolder, 'mirrors'))).filter((name) => name.endsWith('.git'))) {
      const kept = await git(join(dataFolder, 'mirrors', mirror), [
        'for-each-ref',
        '--format=%(refname)',
        'refs/countersign/keep',
      ]);
      left.push(...kept.split('\n').filter(Boolean));
    }
  }
  const artifacts = (await entriesOf(artifactFolder)).filter((name) => TEMPORARY.test(name));
  return [...containers, ...processes, ...left, ...artifacts].map((what) => `left behind: ${what.replace(folder, '')}`);
};

/** Takes away what a broken service left, so that the next batch begins clean. */
export const clearAway = async (site: Site): Promise<void> => {
  const engine = new Docker();
  for (const { Id } of await containersOf(site))
    await engine
      .getContainer(Id)
      .remove({ force: true })
      .catch(() => undefined);
};
