import { execa } from 'execa';
import { z } from 'zod';
import { ForgeRefusal } from '../../commands/ports/forge.ts';
import { OutsideFailure } from '../../commands/ports/repositories.ts';

export interface GhOptions {
  /** A name looked up in `PATH`, or an absolute path. */
  readonly ghPath?: string;
  /** The service's own environment, of which gh gets the few variables it needs. `GH_HOST` is the host, `github.com` without it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Longest one call may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/** An answer of the API, of whatever status. `headers` by lower-case name; `body` is `null` when it is no JSON. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: unknown;
}

export interface Gh {
  readonly host: string;
  /** One call of the REST API. Throws `ForgeRefusal` without a usable gh, `OutsideFailure` when no answer came or it said to come back later. */
  api(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<ApiAnswer>;
  /** The token gh is logged in with; `undefined` without a login. For git, by askpass; never for a command line or a log. */
  token(): Promise<string | undefined>;
}

const TIMEOUT_MS = 60_000;
/** A hundred comments of the longest kind, escaped. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const KILL_AFTER_MS = 2_000;
/** Exit code of gh for "not logged in". */
const EXIT_NO_LOGIN = 4;

/** What gh may know of the service's environment: where to find itself, its login, proxies and certificates. */
const HANDED_ON = [
  'PATH',
  'HOME',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'GH_CONFIG_DIR',
  'GH_TOKEN',
  'GITHUB_TOKEN',
  'GH_ENTERPRISE_TOKEN',
  'GITHUB_ENTERPRISE_TOKEN',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
] as const;

/** gh as one door to the API: the status decides, never its English. Bodies go in by standard input, the token by the environment. */
export const createGh = ({ ghPath = 'gh', environment, timeoutMs = TIMEOUT_MS }: GhOptions): Gh => {
  const host = environment.GH_HOST || 'github.com';
  const handedOn = Object.fromEntries(
    HANDED_ON.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
  const env = {
    ...handedOn,
    GH_HOST: host,
    GH_PROMPT_DISABLED: '1',
    GH_NO_UPDATE_NOTIFIER: '1',
    NO_COLOR: '1',
    LC_ALL: 'C.UTF-8',
  };

  const run = (args: readonly string[], input = '') =>
    execa(ghPath, args, {
      cwd: '/',
      env,
      extendEnv: false,
      input,
      reject: false,
      stripFinalNewline: false,
      timeout: timeoutMs,
      forceKillAfterDelay: KILL_AFTER_MS,
      maxBuffer: ANSWER_BYTES_MAX,
    });

  return {
    host,
    api: async (method, path, body) => {
      const sent = body === undefined ? [] : ['--input', '-'];
      const result = await run(
        ['api', '--include', '--method', method, ...sent, path],
        body === undefined ? '' : JSON.stringify(body),
      );
      if (result.code === 'ENOENT' || result.code === 'EACCES') {
        throw new ForgeRefusal(
          'The GitHub CLI cannot be started. Install gh 2.23 or newer on the machine of the service ("apt-get install gh").',
        );
      }
      if (result.exitCode === EXIT_NO_LOGIN) throw new ForgeRefusal(loginSentence(host));
      const answer = result.timedOut || result.isMaxBuffer ? null : parsedAnswer(result.stdout ?? '');
      if (answer === null)
        throw new OutsideFailure(
          `${host} gave no answer that could be read. It is tried again; check the network and the proxy.`,
        );
      if (comesBack(answer)) throw new OutsideFailure(laterSentence(host, answer));
      return answer;
    },
    token: async () => {
      const { exitCode, stdout } = await run(['auth', 'token', '--hostname', host]);
      const token = (stdout ?? '').trim();
      return exitCode === 0 && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
    },
  };
};

/** The answer as an object of this shape. Throws `OutsideFailure`: a proxy's page is no answer of GitHub's. */
export const shaped = <T>(schema: z.ZodType<T>, { body }: ApiAnswer): T => {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw unreadable();
};

export const unreadable = (): OutsideFailure =>
  new OutsideFailure('GitHub answered something that could not be read. It is tried again; check for a proxy in between.');

export const loginSentence = (host: string): string =>
  `GitHub does not accept the login. Set GH_TOKEN, or run "gh auth login --hostname ${host}" as the user of the service.`;

const parsedAnswer = (output: string): ApiAnswer | null => {
  const end = output.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = output.slice(0, Math.max(0, end)).split(/\r?\n/);
  const status = /^HTTP\/[\d.]+ (\d{3})\b/.exec(statusLine)?.[1];
  if (status === undefined) return null;
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers: new Map(headers), body: json(output.slice(end + 4)) };
};

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** Both kinds of rate limit, and everything that is the server's fault. */
const comesBack = (answer: ApiAnswer): boolean => {
  const { status, headers } = answer;
  const limited =
    headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after') || /rate limit/i.test(messageOf(answer));
  return status >= 500 || status === 408 || status === 429 || (status === 403 && limited);
};

const laterSentence = (host: string, { status }: ApiAnswer): string =>
  status >= 500 || status === 408
    ? `${host} has a problem (HTTP ${status}). It is tried again.`
    : `${host} limits how often it may be asked (HTTP ${status}). It is tried again later.`;

const Complaint = z.object({
  message: z.string().catch(''),
  errors: z
    .array(z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]).catch(''))
    .catch([]),
});

/** What GitHub says was wrong, joined; empty when it says nothing. */
export const messageOf = ({ body }: ApiAnswer): string => {
  const complaint = Complaint.safeParse(body);
  return complaint.success ? [complaint.data.message, ...complaint.data.errors].filter((part) => part !== '').join('; ') : '';
};
