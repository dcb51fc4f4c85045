import { OutsideFailure } from '../../commands/ports/repositories.ts';
import { GitFailure } from './git.ts';
import type { Remote } from './remote.ts';

/** How git logs in at remotes. Each value reaches the one process that needs it, by its environment only. */
export interface GitAccess {
  /** The token for a host such as `github.com`, asked for at each use; `undefined`: there is none for that host. */
  readonly token?: (host: string) => Promise<string | undefined>;
  /** Socket of an ssh agent. */
  readonly sshAuthSock?: string;
  /** Whether ssh may use the keys and the configuration in the home folder of the user the service runs as. */
  readonly sshFiles?: boolean;
  /** Proxy and certificate variables, such as `HTTPS_PROXY` or `GIT_SSL_CAINFO`. */
  readonly variables?: Readonly<Record<string, string>>;
}

const SSH_CONNECT_TIMEOUT_S = 20;

/**
 * Answers only for the host the login is meant for: git asks `Username for 'https://host': ` and
 * `Password for 'https://user@host': `.
 */
export const ASKPASS_SCRIPT = `#!/bin/sh
case "$1" in
  "Username for '$COUNTERSIGN_ASKPASS_SCHEME://$COUNTERSIGN_ASKPASS_HOST': ") printf '%s\\n' "$COUNTERSIGN_ASKPASS_USER" ;;
  "Password for '$COUNTERSIGN_ASKPASS_SCHEME://"*"@$COUNTERSIGN_ASKPASS_HOST': ") printf '%s\\n' "$COUNTERSIGN_ASKPASS_PASSWORD" ;;
  *) exit 1 ;;
esac
`;

/** The user name that GitHub and its kin take with any kind of token. */
const TOKEN_USER = 'x-access-token';

const httpLogin = async (remote: Remote, access: GitAccess): Promise<{ user: string; password: string } | undefined> => {
  if (remote.password !== '') return { user: remote.user, password: remote.password };
  const token = await access.token?.(remote.host);
  return token === undefined || token === ''
    ? undefined
    : { user: remote.user === '' ? TOKEN_USER : remote.user, password: token };
};

const sshCommand = (access: GitAccess): string =>
  [
    'ssh',
    '-o BatchMode=yes',
    `-o ConnectTimeout=${SSH_CONNECT_TIMEOUT_S}`,
    ...(access.sshFiles === true ? [] : ['-F none', '-o IdentityFile=none']),
  ].join(' ');

/** What a command that speaks with `remote` has in its environment besides the usual. */
export const remoteEnvironment = async (
  remote: Remote,
  access: GitAccess,
  askpass: string,
): Promise<Readonly<Record<string, string>>> => {
  const common = { ...access.variables, GIT_ALLOW_PROTOCOL: remote.protocol };
  if (remote.protocol === 'file') return common;
  if (remote.protocol === 'ssh')
    return {
      ...common,
      GIT_SSH_COMMAND: sshCommand(access),
      ...(access.sshAuthSock === undefined ? {} : { SSH_AUTH_SOCK: access.sshAuthSock }),
    };
  const login = await httpLogin(remote, access);
  if (login === undefined) return common;
  return {
    ...common,
    GIT_ASKPASS: askpass,
    COUNTERSIGN_ASKPASS_SCHEME: remote.protocol,
    COUNTERSIGN_ASKPASS_HOST: remote.host,
    COUNTERSIGN_ASKPASS_USER: login.user,
    COUNTERSIGN_ASKPASS_PASSWORD: login.password,
  };
};

const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [
    /host key verification failed|no matching host key/i,
    'The host key of the remote is not known here; add it to known_hosts of the user the service runs as.',
  ],
  [
    /authentication failed|could not read (username|password)|permission denied|returned error: 40[13]|invalid credentials|access denied|write access to repository not granted|unable to get password/i,
    'The remote refused the login; check the token or ssh key ("countersign preflight" tries both directions).',
  ],
  [
    /repository.* not found|not found|does not appear to be a git repository|does not exist|no such file or directory/i,
    'The remote repository was not found, or this login may not see it; check its URL and the rights of the login.',
  ],
  [/redirect/i, 'The remote has moved; put its new URL into the snapshot (git remote set-url origin).'],
  [/no space left|disk quota/i, 'There is no space left on the disk; make room and try again.'],
];

/** Why a remote could not be used, as a sentence with what to do. Never the words of git or the remote, which may hold paths and logins. */
export const remoteSentence = (error: unknown): string => {
  if (!(error instanceof GitFailure)) return 'The remote cannot be used at the moment.';
  if (error.timedOut) return 'The remote did not answer in time; it is tried again.';
  return (
    SENTENCES.find(([pattern]) => error.says(pattern))?.[1] ??
    'The remote cannot be reached at the moment; check the network and the URL of the remote.'
  );
};

/** A failure of git at the remote as an `OutsideFailure`; anything else (an abort, a bug) as it is. */
export const outside = (error: unknown): unknown =>
  error instanceof GitFailure ? new OutsideFailure(remoteSentence(error)) : error;
