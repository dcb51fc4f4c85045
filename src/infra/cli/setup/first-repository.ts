import type { Api } from '../api.ts';
import { AddedRepository, addedLines, ListedRepositories } from '../commands/repositories.ts';
import { shown } from '../desk.ts';
import { Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import type { Wish } from './choices.ts';
import type { Interview } from './interview.ts';

interface Step {
  readonly api: Api;
  readonly interview: Interview;
  readonly terminal: Terminal;
  readonly wish: Wish;
}

/** Adds the first repository, or another that was named; resolves to one that can be asked for, if there is any. */
export const addFirstRepository = async ({ api, interview, terminal, wish }: Step): Promise<string | undefined> => {
  const { repositories } = shown(await api.get('/repositories'), ListedRepositories);
  const [first] = repositories;
  if (first !== undefined && wish.repo === undefined) {
    terminal.print(`  ${repositories.map(({ name }) => name).join(', ')} can be asked for.`);
    return first.name;
  }
  for (;;) {
    const url = await interview.text({
      message: 'Address of the first repository (https, ssh, or a path of this machine); empty: later',
      said: wish.repo,
      fallback: '',
      flag: '--repo',
    });
    if (url === '') {
      terminal.print('  None yet.');
      return undefined;
    }
    try {
      const body = { url, ...(wish.repoName !== undefined && { name: wish.repoName }) };
      const added = shown(await api.send('POST', '/repositories', { body }), AddedRepository);
      terminal.print(...addedLines(added, terminal));
      return added.name;
    } catch (error) {
      // A person types it again; a script is told.
      if (!(error instanceof Failure) || !interview.isAsking || wish.repo !== undefined) throw error;
      terminal.print(`  ${terminal.ink('bad', error.message)}`);
    }
  }
};
