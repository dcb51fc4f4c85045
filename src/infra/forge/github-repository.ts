import { ForgeRefusal } from '../../commands/ports/forge.ts';
import { parseRemote, RemoteRefused } from '../git/remote.ts';

/** A repository of one GitHub host. */
export interface GitHubRepository {
  readonly owner: string;
  readonly name: string;
}

/** Hosts that are the same GitHub; ssh can be had on port 443 of a host of its own. */
const ALIASES: Readonly<Record<string, string>> = { 'ssh.github.com': 'github.com', 'www.github.com': 'github.com' };

/** Owner and name of the repository at `remote`, which must be at `host`. Throws `ForgeRefusal`; the sentence does not repeat the URL. */
export const gitHubRepositoryOf = (remote: string, host: string): GitHubRepository => {
  const place = placeOf(remote);
  const hostThere = place === null ? null : (ALIASES[place.host] ?? place.host);
  const [, owner, name] =
    /^\/([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100}?)(?:\.git)?\/?$/.exec(place?.path ?? '') ?? [];
  if (hostThere !== host.toLowerCase() || owner === undefined || name === undefined || /^\.(\.|git)?$/.test(name)) {
    throw new ForgeRefusal(
      `The remote is no repository of ${host}. Set origin to https://${host}/<owner>/<name>.git, GH_HOST to the host of the remote, or FORGE=local.`,
    );
  }
  return { owner, name };
};

const placeOf = (remote: string): { readonly host: string; readonly path: string } | null => {
  try {
    const { protocol, shown } = parseRemote(remote, '/');
    if (protocol === 'file') return null;
    const { host, hostname, pathname } = new URL(shown);
    // The port of ssh says nothing about the API; that of https is part of the host.
    return { host: protocol === 'ssh' ? hostname : host, path: pathname };
  } catch (error) {
    if (error instanceof RemoteRefused || error instanceof TypeError) return null;
    throw error;
  }
};
