import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const NAME = 'greeting';
const VERSION = '1.0.0';
const TARBALL = `/${NAME}/-/${NAME}-${VERSION}.tgz`;

const MANIFEST = {
  name: NAME,
  version: VERSION,
  main: 'index.js',
  bin: { greet: 'greet.js' },
  scripts: { postinstall: "node -e \"require('fs').writeFileSync('hostile-script-ran', '')\"" },
};

/** A package with a program and with a lifecycle script that leaves a mark, as npm packs it. */
const packed = async (): Promise<Buffer> => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-package-'));
  try {
    await mkdir(join(folder, 'package'));
    await writeFile(join(folder, 'package/package.json'), JSON.stringify(MANIFEST));
    await writeFile(join(folder, 'package/index.js'), "module.exports = (name) => 'Hello, ' + name;\n");
    await writeFile(join(folder, 'package/greet.js'), "#!/usr/bin/env node\nconsole.log(require('greeting')('you'));\n");
    await chmod(join(folder, 'package/greet.js'), 0o755);
    await execa('tar', ['--create', '--gzip', '--file', 'package.tgz', 'package'], { cwd: folder });
    return await readFile(join(folder, 'package.tgz'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export interface Registry {
  /** `127.0.0.1:<port>`, to be allowed. */
  readonly host: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  /** The files of a project that depends on the package `greeting`, with its lock file. */
  readonly project: Readonly<Record<'package.json' | 'package-lock.json', string>>;
  /** Whether it answers; otherwise it ends every connection. */
  isUp: boolean;
  close(): Promise<void>;
}

/** A package registry on loopback with one package. */
export const openRegistry = async (): Promise<Registry> => {
  const tarball = await packed();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (!registry.isUp) return void request.socket.destroy();
    if (request.url !== TARBALL) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarball);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`; // It listens on TCP.
  const root = { name: 'shop', version: '1.0.0', dependencies: { [NAME]: VERSION } };
  const resolved = { version: VERSION, resolved: `http://${host}${TARBALL}` };
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  const entry = { ...resolved, integrity, hasInstallScript: true, bin: MANIFEST.bin };
  const lock = { ...root, lockfileVersion: 3, requires: true, packages: { '': root, [`node_modules/${NAME}`]: entry } };
  const registry: Registry = {
    host,
    asked,
    project: { 'package.json': JSON.stringify(root), 'package-lock.json': JSON.stringify(lock) },
    isUp: true,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
};
