/**
 * Runs beside the agent, inside its isolation, and is the only part of ours there. It is told what to do by one line of JSON on
 * standard input; the end of standard input asks it to end the agent, so it also ends with the service that started it.
 * It imports nothing of ours: bubblewrap shows this one file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';
import { basename, dirname } from 'node:path';

/** The one line on standard input. */
export interface LaunchOrder {
  readonly argv: readonly string[];
  /** The agent's whole environment but for the proxy variables, which only we know. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The agent's standard input; empty closes it. */
  readonly input: string;
  readonly login: readonly { readonly from: string; readonly to: string }[];
  readonly egressSocket: string;
  readonly egressPort: number;
  /** From the wish to end until the agent's group is killed, when nobody outside is left to do it. */
  readonly graceMs: number;
}

/** A socket's path may have 107 bytes; a folder opened as a descriptor makes it short. */
const shortened = (path: string): string => `/proc/self/fd/${openSync(dirname(path), 'r')}/${basename(path)}`;

const copyLogin = ({ from, to }: LaunchOrder['login'][number]): void => {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  cpSync(from, to, { recursive: true, filter: (source) => lstatSync(source).isFile() || lstatSync(source).isDirectory() });
};

const join = (one: Socket, other: Socket): void => {
  one.pipe(other);
  one.on('error', () => other.destroy());
  one.on('close', () => other.destroy());
};

/** Listens on the loopback of the agent's own network and hands each connection to the service's proxy. */
const listen = (socket: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const path = shortened(socket);
    const server = createServer({ allowHalfOpen: true }, (inner) => {
      const outer = connect({ path, allowHalfOpen: true });
      join(inner, outer);
      join(outer, inner);
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)); // A listening TCP server has one.
  });

const proxyVariables = (port: number): Record<string, string> => {
  const url = `http://127.0.0.1:${port}`;
  return { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url, NODE_USE_ENV_PROXY: '1' };
};

const signalGroup = (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
};

const launch = async (order: LaunchOrder, endAsked: Promise<void>): Promise<void> => {
  order.login.forEach(copyLogin);
  const port = await listen(order.egressSocket, order.egressPort);
  const [program = '', ...rest] = order.argv;
  const child = spawn(program, rest, {
    cwd: order.folder,
    env: { ...order.environment, ...proxyVariables(port) },
    detached: true,
    stdio: [order.input === '' ? 'ignore' : 'pipe', 'inherit', 'inherit'],
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(order.input);
  child.on('error', () => {
    process.stderr.write(`countersign: the agent's program could not be started\n`);
    process.exit(127);
  });
  child.on('exit', (code, signal) => {
    signalGroup(child, 'SIGKILL');
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
  await endAsked;
  signalGroup(child, 'SIGTERM');
  setTimeout(() => {
    signalGroup(child, 'SIGKILL');
    process.exit(137);
  }, order.graceMs);
};

const ended = Promise.withResolvers<void>();
let received = '';
let launched = false;
process.stdin.setEncoding('utf8');
process.stdin.on('end', () => (launched ? ended.resolve() : process.exit(0)));
process.stdin.on('data', (chunk: string) => {
  if (launched) return;
  received += chunk;
  if (!received.endsWith('\n')) return;
  launched = true;
  launch(JSON.parse(received), ended.promise).catch((error: NodeJS.ErrnoException) => {
    process.stderr.write(`countersign: the agent could not be prepared (${error.code ?? 'unknown reason'})\n`);
    process.exit(126);
  });
});
