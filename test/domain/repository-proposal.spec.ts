import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filesToRead, proposeConfiguration } from '../../src/domain/repository-proposal.ts';
import { parseRepositoryFile } from '../../src/infra/config/repository-file.ts';
import { TABLE } from '../../src/infra/config/table.ts';

const propose = (files: Readonly<Record<string, string>>) => {
  const names = Object.keys(files);
  const texts = new Map(filesToRead(names).map((name) => [name, files[name] ?? '']));
  const proposal = proposeConfiguration(names, texts);
  const parsed = parseRepositoryFile(Buffer.from(proposal.yaml), 'countersign');
  if ('faults' in parsed) throw new Error(`${parsed.faults.join('\n')}\n${proposal.yaml}`);
  return { ...proposal, config: parsed.config };
};

const manifest = (more: object = {}): string =>
  JSON.stringify({ scripts: { test: 'vitest run' }, devDependencies: { vitest: '5' }, ...more });

describe('A proposed configuration', () => {
  it('of a Node project installs what its lock file says and runs its tests', () => {
    const { yaml, sentences, needs } = propose({ 'package.json': manifest(), 'package-lock.json': '{}', 'src/a.js': '' });
    expect(yaml).toBe(
      [
        'image: node:22-bookworm-slim',
        'install:',
        '  run: npm ci --ignore-scripts',
        '  inputs: [package-lock.json, package.json]',
        '  outputs: [node_modules]',
        'test: npm test\n',
      ].join('\n'),
    );
    expect(sentences).toEqual([]);
    expect(needs).toEqual({
      image: 'node:22-bookworm-slim',
      testCommand: 'npm test',
      installCommand: 'npm ci --ignore-scripts',
      hosts: ['registry.npmjs.org'],
    });
  });

  it.each([
    ['pnpm-lock.yaml', 'pnpm install --frozen-lockfile --ignore-scripts', 'pnpm test'],
    ['yarn.lock', 'yarn install --frozen-lockfile --ignore-scripts', 'yarn test'],
    ['npm-shrinkwrap.json', 'npm ci --ignore-scripts', 'npm test'],
  ])('knows the package manager by %s', (lock, run, test) => {
    const { config } = propose({ 'package.json': manifest(), [lock]: '' });
    expect(config).toMatchObject({ install: { run, inputs: [lock, 'package.json'] }, testCommand: test });
  });

  it('lets a workspace’s install step read all its manifests, and none that others wrote', () => {
    const files = [
      '.npmrc',
      'packages/a/package.json',
      'node_modules/x/package.json',
      'a/test/fixtures/package.json',
      'patches/x.patch',
    ];
    const { config } = propose({
      'package.json': manifest(),
      'package-lock.json': '',
      ...Object.fromEntries(files.map((name) => [name, '{}'])),
    });
    expect(config.install?.inputs).toEqual([
      'package-lock.json',
      '.npmrc',
      'package.json',
      'packages/a/package.json',
      'patches/x.patch',
    ]);
  });

  it.each([
    ['.nvmrc', 'v24.1.0', 'node:24-bookworm-slim'],
    ['.nvmrc', 'lts/*', 'node:22-bookworm-slim'],
    ['.node-version', '20', 'node:20-bookworm-slim'],
  ])('takes the version from %s: %s', (name, text, image) => {
    expect(propose({ 'package.json': manifest(), [name]: text }).config.image).toBe(image);
  });

  it('takes the version from what the manifest says of engines', () => {
    expect(propose({ 'package.json': manifest({ engines: { node: '>=24' } }) }).config.image).toBe('node:24-bookworm-slim');
  });

  it.each([
    ['there is no lock file', { 'package.json': manifest() }, 'no lock file'],
    ['the yarn is another', { 'package.json': manifest(), 'yarn.lock': '', '.yarnrc.yml': '' }, '.yarnrc.yml'],
    [
      'there is no test',
      { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
      'no script "test"',
    ],
    ['the manifest is none', { 'package.json': '{' }, 'no script "test"'],
    ['nothing is known', { 'README.md': '' }, 'Nothing here says'],
    ['Go needs modules', { 'go.mod': 'module x\n\ngo 1.24\n', 'go.sum': 'x' }, 'go mod vendor'],
    ['Rust needs crates', { 'Cargo.toml': '[dependencies]\nserde = "1"\n' }, 'cargo vendor'],
    ['Python says not what it needs', { 'pyproject.toml': '[project]\n' }, 'no requirements.txt'],
  ])('installs nothing and says so when %s', (_, files, sentence) => {
    const { config, sentences } = propose(files);
    expect(config.install).toBeUndefined();
    expect(sentences.join(' ')).toContain(sentence);
  });

  it.each([
    [{ 'README.md': '' }, 'test'],
    [{ 'package.json': '{}' }, 'test'],
    [{ Makefile: 'test:\n\ttrue\n' }, 'image'],
  ] as const)('says where the operator allows what a person has to name for %j', (files, left) => {
    const { needs, sentences } = propose(files);
    expect(left === 'test' ? needs.testCommand : needs.image).toBeNull();
    const variable = { test: 'ALLOWED_TEST_COMMANDS', image: 'ALLOWED_SANDBOX_IMAGES' }[left];
    expect(sentences.join(' ')).toContain(variable);
    expect(TABLE).toHaveProperty(variable);
  });

  it('has no install step for a project without packages', () => {
    expect(propose({ 'package.json': '{"scripts":{"test":"node --test"}}' })).toMatchObject({
      config: { testCommand: 'npm test', install: undefined },
      sentences: [],
    });
  });

  it('of a Python project installs into a folder of the project', () => {
    const { config, needs } = propose({ 'requirements.txt': 'pytest==8\n', '.python-version': '3.13.1\n' });
    expect(config).toMatchObject({
      image: 'python:3.13-slim',
      testCommand: '.venv/bin/python -m pytest',
      install: { inputs: ['requirements.txt'], outputs: ['.venv'] },
    });
    expect(needs.hosts).toEqual(['pypi.org', 'files.pythonhosted.org']);
  });

  it.each([
    [{ 'go.mod': 'module x\n\ngo 1.24\n', 'go.sum': '', 'vendor/modules.txt': '' }, 'golang:1.24', 'go test ./...'],
    [{ 'Cargo.toml': '[package]\n' }, 'rust:1-slim', 'cargo test --offline'],
    [{ Makefile: 'all:\ntest: all\n\ttrue\n' }, undefined, 'make test'],
  ])('knows %j', (files, image, testCommand) => {
    expect(propose(files).config).toMatchObject({ image, testCommand });
  });

  it('runs in the one sub-folder that is a project, and names others', () => {
    const below = (folder: string) => ({ [`${folder}/package.json`]: manifest(), [`${folder}/package-lock.json`]: '' });
    const one = propose({ 'README.md': '', ...below('packages/api'), 'packages/api/node_modules/x/package.json': '' });
    expect(one.config).toMatchObject({ path: 'packages/api', install: { inputs: ['package-lock.json', 'package.json'] } });
    expect(one.sentences).toEqual(['The tests run in packages/api.']);
    const two = propose({ ...below('web'), ...below('api'), ...below('a/b/c/d/deep'), ...below('examples/x') });
    expect(two.config.path).toBe('api');
    expect(two.sentences[1]).toMatch(/^There are projects in web, too/);
  });

  it('is a file that can be read, whatever lies in the repository', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'package.json',
        'package-lock.json',
        'a/package.json',
        'Makefile',
        'go.mod',
        'requirements.txt',
        'x y/package.json',
      ),
      fc.string({ unit: 'binary', minLength: 1 }).map((text) => `${text}/package.json`),
      fc.string({ unit: 'binary', minLength: 1 }).map((text) => `patches/${text}`),
    );
    const text = fc.oneof(fc.constant(manifest()), fc.json(), fc.string({ unit: 'binary' }), fc.constant('test:\n'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 6 }), (files) => {
        const { sentences } = propose(Object.fromEntries(files));
        for (const sentence of sentences) expect(sentence).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 25 },
    );
  });
});
