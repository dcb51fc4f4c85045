// Runs as the agent, and once more as the tests. Hunts for the service and for other tasks, and reports all it could find.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const { OKD_INTENT: intent = readFileSync('targets.json', 'utf8'), ...environment } = process.env;
const { mark, waitFor, paths, ports, sockets, allowed, refused, number } = JSON.parse(intent);
if (mark) {
  // Another task, whose files are there while this one hunts.
  writeFileSync('marker', mark);
  await fetch(waitFor);
  process.exit(0);
}

const attempt = (action) => {
  try {
    return action();
  } catch (error) {
    return `refused: ${error.code ?? 'error'}`;
  }
};
const got = (result) => !`${result}`.startsWith('refused: ');
const reached = (options) =>
  new Promise((resolve) => {
    const socket = connect(options);
    socket.setTimeout(2_000, () => socket.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
    socket.once('connect', () => resolve('connected') || socket.destroy());
    socket.once('error', (error) => resolve(`refused: ${error.code}`));
  });
const asked = (url) =>
  fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    async (response) => `${response.status} ${(await response.text()).slice(0, 200)}`,
    (error) => `refused: ${error.cause?.code ?? error.name}`,
  );

/** Every file below a folder with the beginning of what it holds. */
const contents = (folder, depth) => {
  const entries = attempt(() => readdirSync(folder, { withFileTypes: true }));
  if (!Array.isArray(entries) || depth === 0) return [];
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return contents(path, depth - 1);
    return [[path, entry.isFile() ? attempt(() => readFileSync(path, 'latin1').slice(0, 4_000)) : 'no file']];
  });
};

const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
// What it was told itself is no finding.
const ofProcesses = (file) =>
  processes.map((pid) => attempt(() => readFileSync(`/proc/${pid}/${file}`, 'latin1').replaceAll(intent, '')));
const roots = ['', ...processes.flatMap((pid) => [`/proc/${pid}/root`, `/proc/${pid}/cwd/../../../../../..`])];

const report = {
  environment,
  environments: ofProcesses('environ'),
  commandLines: ofProcesses('cmdline'),
  files: processes.flatMap((pid) => {
    const open = attempt(() => readdirSync(`/proc/${pid}/fd`));
    return Array.isArray(open) ? open.map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`))) : [];
  }),
  around: ['/out', '/tmp', '/run', '/home', '/root', '/var', '/opt', '/srv', '/mnt', environment.HOME].flatMap((folder) =>
    contents(folder, 4).filter(([path]) => !path.includes('/countersign/')),
  ),
  found: roots.flatMap((root) => paths.map((path) => root + path)).filter((path) => got(attempt(() => statSync(path)))),
  opened: paths.filter((path) => got(attempt(() => closeSync(openSync(path, constants.O_RDWR))))),
  abstract: readFileSync('/proc/net/unix', 'utf8').match(/@.+/g),
  connected: Object.fromEntries(
    await Promise.all(
      [...ports.map((port) => ({ port, host: '127.0.0.1' })), ...sockets.map((path) => ({ path }))].map(async (options) => [
        `${options.port ?? options.path}`.replace('\0', '@'),
        await reached(options),
      ]),
    ),
  ),
  asked: Object.fromEntries(await Promise.all([...allowed, ...refused].map(async (url) => [url, await asked(url)]))),
  tools: ['docker ps', 'gh auth token', 'git config --list --show-origin'].map((line) =>
    attempt(() => execFileSync('/bin/sh', ['-c', `${line} 2>&1`], { encoding: 'utf8' })),
  ),
};
for (const detached of [false, true]) spawn('sleep', [number], { detached, stdio: 'ignore' }).unref();
spawn('/bin/sh', ['-c', `trap '' TERM HUP; (setsid -f env -i sleep ${number}) & sleep ${number}`], {
  detached: true,
  stdio: 'ignore',
}).unref();

console.log(JSON.stringify(report));
if (process.env.OKD_INTENT) {
  writeFileSync('targets.json', intent);
  writeFileSync('found.json', JSON.stringify(report));
}
process.exit(0);
