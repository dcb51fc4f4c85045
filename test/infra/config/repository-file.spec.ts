import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRepositoryFile, REPOSITORY_FILE_BYTES_MAX } from '../../../src/infra/config/repository-file.ts';

const parse = (text: string) => parseRepositoryFile(Buffer.from(text), 'countersign');
const faults = (text: string): readonly string[] => {
  const result = parse(text);
  return 'faults' in result ? result.faults : [];
};

describe('A repository’s .countersign.yml', () => {
  it('says image, command, policy and limits', () => {
    const text = `
image: node:22
test: npm run test:unit
allowed_test_commands: [npm run test:unit]
policy:
  blocked_paths: [db/migrations/]
  max_files: 10
  max_changed_lines: 300
  max_patch_bytes: 65536
  binary_files: block
  patch_gate: always
  weak_sandbox: refuse
limits:
  agent_timeout_seconds: 600
  sandbox_memory_mib: 512
  sandbox_processors: 0.5
`;
    expect(parse(text)).toEqual({
      config: {
        image: 'node:22',
        testCommand: 'npm run test:unit',
        allowedTestCommands: ['npm run test:unit'],
        policy: {
          blockedPaths: ['db/migrations/'],
          filesMax: 10,
          changedLinesMax: 300,
          patchBytesMax: 65_536,
          binaryFiles: 'block',
          patchGate: 'always',
          weakSandbox: 'refuse',
        },
        limits: { agentTimeoutMs: 600_000, sandboxMemoryBytes: 512 * 1024 * 1024, sandboxProcessors: 0.5 },
      },
    });
  });

  it('says what is installed for the tests, and in which folder they run', () => {
    const text =
      'install: { run: npm ci, inputs: [package-lock.json, package.json], outputs: [node_modules] }\npath: packages/api';
    const install = { run: 'npm ci', inputs: ['package-lock.json', 'package.json'], outputs: ['node_modules'] };
    expect(parse(text)).toMatchObject({ config: { install, path: 'packages/api' } });
  });

  const OUTSIDE = [
    '/etc',
    '..',
    '.',
    './web',
    'a/../b',
    'a//b',
    'web/',
    '-x',
    'a/-x',
    '.git',
    'a/.GIT',
    'a\\b',
    'C:/x',
    '"a\\tb"',
    '"a\\u202eb"',
    '""',
  ];
  it.each(OUTSIDE)('leads nowhere but into the repository: %s', (path) => {
    expect(faults(`path: ${path}`)).toHaveLength(1);
    expect(faults(`install: { run: x, inputs: [${path}], outputs: [y] }`)).toHaveLength(1);
    expect(faults(`install: { run: x, inputs: [y], outputs: [${path}] }`)).toHaveLength(1);
  });

  it.each([
    ['reads nothing', 'inputs: [], outputs: [b]'],
    ['makes nothing', 'inputs: [a], outputs: []'],
    ['makes what it reads', 'inputs: [a/b], outputs: [a]'],
    ['makes one folder in another', 'inputs: [a], outputs: [b, b/c]'],
    ['makes one folder twice', 'inputs: [a], outputs: [b, b]'],
    ['reads one file twice', 'inputs: [a, a], outputs: [b]'],
    ['names what is not known', 'inputs: [a], outputs: [b], network: host'],
  ])('installs nothing that %s', (_, rest) => {
    expect(faults(`install: { run: x, ${rest} }`)).toHaveLength(1);
  });

  it.each(['', '# nothing yet', '---\n'])('may be empty: %j', (text) => expect(parse(text)).toHaveProperty('config'));

  it('is refused with every fault at once', () => {
    expect(
      faults(
        'image: --privileged\ninstall: npm ci\npath: ../web\nextra: 1\npolicy: { max_files: 500k, patch_gate: maybe, gate: x }',
      ),
    ).toEqual([
      '.countersign.yml: `image`: must be an image reference, for example node:22-bookworm-slim.',
      '.countersign.yml: `policy.max_files`: must be a whole number.',
      '.countersign.yml: `policy.patch_gate`: must be always, risky or never.',
      '.countersign.yml: `policy.gate` is not known here; remove it.',
      expect.stringMatching(/^\.countersign\.yml: `install`: /),
      expect.stringMatching(/^\.countersign\.yml: `path`: must be a path inside the repository/),
      '.countersign.yml: `extra` is not known here; remove it.',
    ]);
  });

  it.each([
    ['a limit that is no number', 'policy: { max_files: .nan }'],
    ['a limit without bound', 'limits: { sandbox_processors: .inf }'],
    ['no files at all', 'policy: { max_files: 0 }'],
    ['a fraction of a file', 'policy: { max_files: 1.5 }'],
    ['a negated glob', 'policy: { blocked_paths: ["!.env"] }'],
    ['a command of two lines', 'test: "npm test\\ncurl x"'],
    ['a list', '- image'],
    ['a word', 'image'],
    ['a key said twice', 'test: a\ntest: b'],
    ['an alias', 'image: &it a\ntest: *it'],
    ['a bomb of aliases', 'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ntest: *c'],
    ['an alias to nothing', 'test: *nothing'],
    ['a tag', 'test: !!js/function "x"'],
    ['two documents', 'test: a\n---\ntest: b'],
    ['a prototype', '__proto__: { image: a }'],
    ['a key that is a list', '? [a]\n: b'],
    ['deep nesting', '['.repeat(5_000)],
    ['too many bytes', `# ${'x'.repeat(REPOSITORY_FILE_BYTES_MAX)}`],
  ])('is refused with a sentence: %s', (_, text) => {
    expect(faults(text)).toHaveLength(1);
    expect(faults(text)[0]).toMatch(/^\.countersign\.yml: .+\.$/);
  });

  it('is refused when it is not UTF-8', () => {
    expect(parseRepositoryFile(Buffer.from([0x61, 0xff]), 'countersign')).toEqual({
      faults: ['.countersign.yml: is not valid UTF-8.'],
    });
  });

  it('never makes the reader throw, and never says much', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('image: a', 'policy:', '  max_files: 3', '- ', '? ', '&a ', '*a', '!!x', '---', '{', '['),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const result = parse(lines.join('\n'));
        if ('faults' in result) {
          expect(result.faults.length).toBeLessThanOrEqual(20);
          for (const fault of result.faults) expect(fault.length).toBeLessThan(500);
        }
      }),
    );
  });
});

describe('The older okaydokki.yaml', () => {
  it('says image and commands', () => {
    const bytes = Buffer.from('sandbox_image: node:22\ntest_command: npm test\nallowed_test_commands:\n  - npm test\n');
    expect(parseRepositoryFile(bytes, 'okaydokki')).toEqual({
      config: { image: 'node:22', testCommand: 'npm test', allowedTestCommands: ['npm test'] },
    });
  });

  it('is refused with its own name', () => {
    expect(parseRepositoryFile(Buffer.from('image: a'), 'okaydokki')).toEqual({
      faults: ['okaydokki.yaml: `image` is not known here; remove it.'],
    });
  });
});
