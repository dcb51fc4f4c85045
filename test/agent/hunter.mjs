// Runs as the agent and reports, as one line of JSON, all it could find of the service and of the machine.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const attempt = (action) => {
  try {
    return action();
  } catch (error) {
    return `refused: ${error.code ?? error.status ?? 'error'}`;
  }
};
const reached = (options) =>
  new Promise((resolve) => {
    const socket = connect(options);
    socket.once('connect', () => resolve('connected'));
    socket.once('error', (error) => resolve(`refused: ${error.code}`));
  });

// What to look for, taken from the out folder so that it stands in no command line or environment.
const { loopbackPort, abstractName, paths } = JSON.parse(readFileSync('/out/hunt.json', 'utf8'));
const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
const ofProcesses = (file) => processes.map((pid) => attempt(() => readFileSync(`/proc/${pid}/${file}`, 'latin1')));

const walk = (folder, depth) => {
  const entries = attempt(() => readdirSync(folder, { withFileTypes: true }));
  if (!Array.isArray(entries) || depth === 0) return [];
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(path, depth - 1) : [path];
  });
};

console.log(
  JSON.stringify({
    environment: process.env,
    root: readdirSync('/').sort(),
    etc: readdirSync('/etc').sort(),
    run: readdirSync('/run'),
    homes: readdirSync('/home'),
    home: readdirSync(process.env.HOME),
    devices: readdirSync('/dev').sort(),
    commandLines: ofProcesses('cmdline'),
    environments: ofProcesses('environ'),
    status: readFileSync('/proc/self/status', 'utf8'),
    user: execFileSync('id', { encoding: 'utf8' }).trim(),
    interfaces: readFileSync('/proc/net/dev', 'utf8')
      .split('\n')
      .slice(2)
      .map((line) => line.split(':')[0].trim())
      .filter(Boolean),
    abstractSockets: readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .filter((line) => line.includes('@')),
    loopback: await reached({ host: '127.0.0.1', port: loopbackPort }),
    abstract: await reached({ path: `\0${abstractName}` }),
    paths: paths.map((path) => attempt(() => statSync(path) && `found ${path}`)),
    contents: walk('/work', 4).concat(
      walk('/out', 2),
      walk('/tmp', 2),
      walk('/opt/countersign/bin', 2),
      walk(process.env.HOME, 3),
    ),
    writes: ['/usr', '/etc', '', '/dev', '/opt/countersign', '/home', '/run', '/proc']
      .map((folder) => `${folder}/planted`)
      .flatMap((path) => attempt(() => writeFileSync(path, 'x') ?? [path]))
      .filter((line) => !line.startsWith('refused')),
    settings: [...walk('/proc/sys', 6), ...walk('/proc/irq', 3), ...walk('/proc/fs', 3), '/proc/sysrq-trigger', '/proc/mtrr']
      .concat('/opt/countersign/launcher.cjs', '/opt/countersign/bin/node', '/usr/bin/env', '/etc/passwd')
      .filter((path) => typeof attempt(() => closeSync(openSync(path, constants.O_WRONLY))) !== 'string'),
    namespaces: attempt(() => execFileSync('unshare', ['-Ur', 'true'], { stdio: 'ignore' }).toString() || 'made'),
    mounts: attempt(() => execFileSync('mount', ['-t', 'tmpfs', 'none', '/tmp'], { stdio: 'ignore' }).toString() || 'mounted'),
  }),
);
