import { spawn } from 'node:child_process';
import type { IncomingMessage } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

const UNAUTHORIZED: Answer = { status: 401, headers: { 'www-authenticate': 'Basic realm="GitHub"' }, body: 'Bad credentials\n' };

/** Any user name, with the token as the password: what GitHub takes. */
const isLoggedIn = (authorization: string | undefined, token: string): boolean => {
  const [, encoded = ''] = /^Basic (\S+)$/i.exec(authorization ?? '') ?? [];
  const login = Buffer.from(encoded, 'base64').toString('utf8');
  return login.slice(login.indexOf(':') + 1) === token;
};

/** Smart HTTP by git's own CGI program on the bare repositories below `root`; both directions want the token. */
export const answerGit = async (request: IncomingMessage, body: Buffer, root: string, token: string): Promise<Answer> => {
  if (!isLoggedIn(request.headers.authorization, token)) return UNAUTHORIZED;
  const url = new URL(request.url ?? '/', 'http://localhost');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'ada',
      REQUEST_METHOD: request.method,
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: `${body.length}`,
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: `${request.headers['git-protocol'] ?? ''}`,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // A request that git refuses early is not read to its end.
  backend.stdin.on('error', () => undefined);
  backend.stdin.end(body);
  return parsed(Buffer.concat(await backend.stdout.toArray()));
};

const parsed = (output: Buffer): Answer => {
  const end = output.indexOf('\r\n\r\n');
  if (end < 0) return { status: 500, headers: {}, body: '' };
  const headers: Record<string, string> = {};
  for (const line of output.subarray(0, end).toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const { status = '200', ...others } = headers;
  return { status: Number.parseInt(status, 10), headers: others, body: output.subarray(end + 4) };
};
