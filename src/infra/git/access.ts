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
