import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';

const CHECKOUT = join(import.meta.dirname, '..', '..');

/** Programs of this machine; those of this checkout, which the test itself runs with, are left out. */
const MACHINE = '/usr/local/bin:/usr/bin:/bin';

/** Stands for npm: notes what it was called for, and leaves what npm leaves. */
const NPM = `#!/bin/sh
echo "$PWD: npm $*" >>"\${0%/*}/calls"
echo 'added 3 packages'
sleep 0.2
[ -z "\${NPM_ENDS_WITH-}" ] || exit "$NPM_ENDS_WITH"
mkdir -p node_modules/.bin
printf '#!/bin/sh\\necho "pinned: $*"\\n' >node_modules/.bin/node
chmod +x node_modules/.bin/node
: >node_modules/.package-lock.json
`;

const program = async (file: string, content: string): Promise<void> => {
  await writeFile(file, content);
  await chmod(file, 0o755);
};

const temporary = async (): Promise<string> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign pinned ')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

const ended = async (child: ChildProcess) => {
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const { stdout, stderr, pid } = child;
  if (!stdout || !stderr) throw new Error('The command has no output.');
  return { pid, stdout: await text(stdout), stderr: await text(stderr), code: await code };
};

/** A clone with nothing installed, and machine programs among which there are npm and a Node of another version. */
const openClone = async () => {
  const folder = await temporary();
  const [root, tools, elsewhere] = [join(folder, 'clone'), join(folder, 'tools'), join(folder, 'elsewhere')];
  for (const name of [join(root, 'bin'), tools, elsewhere]) await mkdir(name, { recursive: true });
  await copyFile(join(CHECKOUT, 'bin', 'pinned'), join(root, 'bin', 'pinned'));
  for (const name of ['package.json', 'package-lock.json']) await writeFile(join(root, name), '{}\n');
  await program(join(tools, 'npm'), NPM);
  await program(join(tools, 'node'), '#!/bin/sh\necho "another: $*"\n');
  return {
    root,
    elsewhere,
    pinned: (args: readonly string[], { command = join(root, 'bin', 'pinned'), env = {} } = {}) =>
      ended(spawn(command, args, { cwd: elsewhere, env: { PATH: `${tools}:${MACHINE}`, ...env } })),
    installs: async (): Promise<readonly string[]> =>
      (await readFile(join(tools, 'calls'), 'utf8').catch(() => '')).split('\n').slice(0, -1),
  };
};

const INSTALL = 'npm ci --ignore-scripts --no-audit --no-fund --loglevel=error';

describe('bin/pinned', () => {
  it('installs what is missing, says so, and then runs the Node that came with it', async () => {
    const { root, pinned, installs } = await openClone();
    expect(await pinned(['node', 'x.ts'])).toMatchObject({
      code: 0,
      stdout: 'pinned: x.ts\n',
      stderr: expect.stringContaining('installing the exact packages of package-lock.json'),
    });
    expect(await installs()).toEqual([`${root}: ${INSTALL}`]);
  });

  it('installs again when the lock file is newer or Node is gone, and only then', async () => {
    const { root, pinned, installs } = await openClone();
    const stamp = join(root, 'node_modules', '.package-lock.json');
    await pinned(['true']);
    expect(await pinned(['node'])).toMatchObject({ code: 0, stdout: 'pinned: \n', stderr: '' });
    expect(await installs()).toHaveLength(1);

    await utimes(stamp, 0, 0);
    expect((await pinned(['node'])).stdout).toBe('pinned: \n');
    expect(await installs()).toHaveLength(2);
    await rm(join(root, 'node_modules', '.bin', 'node'));
    expect((await pinned(['node'])).stdout).toBe('pinned: \n');
    expect(await installs()).toHaveLength(3);
    expect((await pinned(['node'])).stderr).toBe('');
    expect(await installs()).toHaveLength(3);
  });

  it('installs once when two start at the same moment, and neither runs before that', async () => {
    const { pinned, installs } = await openClone();
    const both = await Promise.all([pinned(['node', 'one']), pinned(['node', 'two'])]);
    expect(both).toMatchObject([
      { code: 0, stdout: 'pinned: one\n' },
      { code: 0, stdout: 'pinned: two\n' },
    ]);
    expect(await installs()).toHaveLength(1);
  });

  it('runs nothing when npm fails, and ends as that did', async () => {
    const { pinned } = await openClone();
    const env = { NPM_ENDS_WITH: '7' };
    expect(await pinned(['echo', 'ran'], { env })).toMatchObject({ code: 7, stdout: '' });
  });

  it('hands on arguments as they are, where it is called, by whatever link, in the same process', async () => {
    const { root, elsewhere, pinned, installs } = await openClone();
    const link = join(elsewhere, 'link');
    await symlink(join(root, 'bin', 'pinned'), link);
    const args = ['two  words', '', '*', '$HOME', '-n', 'a\nb'];
    const ran = await pinned(['sh', '-c', 'pwd; echo $$; printf "%s|" "$@"; exit 3', 'sh', ...args], { command: link });
    expect(ran).toMatchObject({ code: 3, stdout: `${elsewhere}\n${ran.pid}\n${args.join('|')}|` });
    expect(await installs()).toEqual([`${root}: ${INSTALL}`]);
  });

  it('is the Node of this checkout for children, for programs that begin with it, and for those that packages bring', async () => {
    const folder = await temporary();
    const [impostor, script] = [join(folder, 'node'), join(folder, 'script.mjs')];
    await program(impostor, '#!/bin/sh\necho impostor\n');
    await program(script, '#!/usr/bin/env node\nconsole.log(process.execPath);\n');
    const bin = join(CHECKOUT, 'node_modules', '.bin');
    const said = `const { execFileSync } = require('node:child_process');
      console.log(process.execPath);
      for (const command of [['node', '-p', 'process.execPath'], [${JSON.stringify(script)}], ['sh', '-c', 'command -v tsc']])
        process.stdout.write(execFileSync(command[0], command.slice(1)));`;
    const env = { PATH: `${folder}:${MACHINE}` };
    const { stdout } = await ended(spawn(join(CHECKOUT, 'bin', 'pinned'), ['node', '-e', said], { cwd: folder, env }));
    const node = await realpath(join(bin, 'node'));
    expect(stdout.split('\n')).toEqual([node, node, node, join(bin, 'tsc'), '']);
    expect(node).toMatch(/node_modules\/node-linux-\w+\//);
  });
});
