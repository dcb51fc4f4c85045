/**
 * Runs beside the agent, inside its isolation, and is the only part of ours there. Its arguments say where the egress proxy listens and
 * which port of the loopback leads there (0 takes a free one); one line of JSON on standard input (`LaunchOrder` in launch-order.ts) says
 * what to run, so it gets ready before there is anything to run. The end of standard input asks it to end the agent, so it also ends with
 * the service that started it. One plain file without imports of ours: bubblewrap shows only this one. Stripping types would add 100 ms to
 * each run, and loading an ECMAScript module 10.
 */
'use strict';

const { spawn } = require('node:child_process');
const { closeSync, cpSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync } = require('node:fs');
const { connect, createServer } = require('node:net');
const { constants } = require('node:os');
const { basename, dirname } = require('node:path');

const CLOSED_ON_EXEC = 0o2000000;

/** A file that the service itself inherited and that would stay open in every program: what Node opened is closed by the kernel. */
const isInherited = (descriptor) => {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & CLOSED_ON_EXEC) === 0;
  } catch {
    return false;
  }
};

const closeInherited = () => {
  for (const name of readdirSync('/proc/self/fd')) {
    if (Number(name) > 2 && isInherited(name)) closeSync(Number(name));
  }
};

const isCopied = (path) => lstatSync(path).isFile() || lstatSync(path).isDirectory();

const copyLogin = ({ from, to }) => {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  cpSync(from, to, { recursive: true, filter: isCopied });
};

const join = (one, other) => {
  one.pipe(other);
  one.on('error', () => other.destroy());
  one.on('close', () => other.destroy());
};

/** Listens on the loopback of the agent's own network and hands each connection to the service's proxy. Resolves with the port. */
const listen = (socket, port) =>
  new Promise((resolve, reject) => {
    // A socket's path may have 107 bytes; a folder opened as a descriptor makes it short.
    const path = `/proc/self/fd/${openSync(dirname(socket), 'r')}/${basename(socket)}`;
    const server = createServer({ allowHalfOpen: true }, (inner) => {
      const outer = connect({ path, allowHalfOpen: true });
      join(inner, outer);
      join(outer, inner);
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });

const proxyVariables = (port) => {
  const url = `http://127.0.0.1:${port}`;
  return { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url, NODE_USE_ENV_PROXY: '1' };
};

const signalGroup = (child, signal) => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
};

/** Has made the agent's folder a git repository, so that it can ask what it changed. Rejects when git could not. */
const writeHistory = ({ folder, history }, begin) =>
  new Promise((resolve, reject) => {
    const git = begin('/bin/sh', ['-c', history.script], {
      cwd: folder,
      env: history.environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    git.on('error', reject);
    git.on('exit', (code) => (code === 0 ? resolve() : reject(Object.assign(new Error(), { code: 'git' }))));
  });

const launch = async (order, listening, endAsked) => {
  let child;
  let ending = false;
  const begin = (program, args, options) => {
    child = spawn(program, args, { ...options, detached: true });
    return child;
  };
  endAsked.then(() => {
    ending = true;
    signalGroup(child, 'SIGTERM');
    setTimeout(() => {
      signalGroup(child, 'SIGKILL');
      process.exit(137);
    }, order.graceMs);
  });

  order.login.forEach(copyLogin);
  if (order.history !== null) await writeHistory(order, begin);
  const port = await listening;
  if (ending) process.exit(137);
  const [program, ...rest] = order.argv;
  begin(program, rest, {
    cwd: order.folder,
    env: { ...order.environment, ...proxyVariables(port) },
    stdio: [order.input === '' ? 'ignore' : 'pipe', 'inherit', 'inherit'],
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(order.input);
  child.on('error', () => {
    process.stderr.write("countersign: the agent's program could not be started\n");
    process.exit(127);
  });
  child.on('exit', (code, signal) => {
    signalGroup(child, 'SIGKILL');
    process.exit(code ?? 128 + constants.signals[signal]);
  });
};

closeInherited();
const [egressSocket, egressPort] = process.argv.slice(2);
const listening = listen(egressSocket, Number(egressPort));
listening.catch(() => {}); // Whoever gives the order is told.
const ended = Promise.withResolvers();
let received = '';
let launched = false;
process.stdin.setEncoding('utf8');
process.stdin.on('end', () => (launched ? ended.resolve() : process.exit(0)));
process.stdin.on('data', (chunk) => {
  if (launched) return;
  received += chunk;
  if (!received.endsWith('\n')) return;
  launched = true;
  launch(JSON.parse(received), listening, ended.promise).catch((error) => {
    process.stderr.write(`countersign: the agent could not be prepared (${error.code ?? 'unknown reason'})\n`);
    process.exit(126);
  });
});
