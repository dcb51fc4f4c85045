import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanAdded } from '../../../src/domain/policy/scan.ts';

const kinds = (text: string, path = 'src/a.ts', secrets: readonly string[] = []): string[] =>
  scanAdded(path, [{ line: 7, text }], secrets).map((finding) => finding.kind);

describe('Scanning added lines', () => {
  it('names the path and the line, never the text', () => {
    expect(scanAdded('a', [{ line: 3, text: 'x my-very-secret y' }], ['my-very-secret'])).toEqual([
      { path: 'a', kind: 'service_secret', line: 3 },
    ]);
  });

  it('finds a secret of the service in base64, and at the far end of a very long line', () => {
    const secret = 'correct-horse-battery';
    expect(kinds(Buffer.from(`abc:${secret}!`).toString('base64'), 'a', [secret])).toContain('service_secret');
    expect(kinds(`${'x'.repeat(3_000_000)}${secret}`, 'a', [secret])).toContain('service_secret');
  });

  it.each(['-----BEGIN RSA PRIVATE KEY-----', '  "-----BEGIN PRIVATE KEY-----\\nMIIE"', '-----BEGIN OPENSSH PRIVATE KEY-----'])(
    'finds a private key: %s',
    (text) => expect(kinds(text)).toContain('private_key'),
  );

  it('does not take a public key for a private one', () => {
    expect(kinds('-----BEGIN PUBLIC KEY-----')).toEqual([]);
  });

  it.each([
    `const token = 'ghp_${'a1B2'.repeat(9)}';`,
    'aws_access_key_id = AKIAIOSFODNN7EXAMPLE',
    'postgres://admin:s3cr3t@db.example.com/prod',
    'apiKey: "d41d8cd98f00b204e9800998ecf8427e"',
  ])('finds a likely secret: %s', (text) => expect(kinds(text)).toContain('likely_secret'));

  it.each([
    'const token = process.env.TOKEN',
    'password: "<your password here>"',
    'https://example.com/a@b',
    'task-management-of-everything-here',
  ])('takes no ordinary line for a secret: %s', (text) => expect(kinds(text)).toEqual([]));

  it('finds a token that lies on the seam between two pieces of a long line', () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    fc.assert(
      fc.property(fc.integer({ min: 2_900, max: 4_200 }), (at) => {
        expect(kinds(`${' '.repeat(at)}${token}${' '.repeat(5_000)}`)).toContain('likely_secret');
      }),
    );
  });

  it.each(['\u202e', '\u2066', '\u200f', '\u061c'])('finds a bidirectional control', (control) => {
    expect(kinds(`if (a${control}b)`)).toContain('bidirectional_control');
  });

  it.each(['\u200b', '\u00ad', '\u3164', '\u{e0041}', '\u{e0100}', '\u001b[2K', 'a\rb', '\0', '\u2028', 'a\u200db'])(
    'finds what nobody sees',
    (text) => expect(kinds(`a${text}b`)).toContain('invisible_character'),
  );

  it('lets tabs, CRLF, a byte order mark and ordinary emoji pass', () => {
    expect(kinds('\ta\r')).toEqual([]);
    expect(scanAdded('a', [{ line: 1, text: '\ufeffa' }], [])).toEqual([]);
    expect(kinds('👩‍💻 👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ok')).toEqual([]);
  });

  it.each(['"postinstall": "node x.js"', '{"scripts":{"prepare":"x"}}', '"preinstall"', '"\\u0070ostinstall" : "x"'])(
    'finds a lifecycle script: %s',
    (text) => {
      expect(kinds(text, 'web/package.json')).toContain('lifecycle_script');
      expect(kinds(text, 'web/notes.md')).toEqual([]);
    },
  );

  it('finds a changed test script', () => {
    expect(kinds('"test": "true",', 'package.json')).toEqual(['test_script']);
  });

  it.each([
    "it.skip('x', () => {})",
    "describe.only('x'",
    "test.concurrent.skip('x'",
    "xit('x'",
    "fit('x'",
    '@Ignore',
    '@Disabled("later")',
    '@pytest.mark.skip(reason="x")',
    'pytest.skip("x")',
    'self.skipTest("x")',
    't.Skip("x")',
    't.SkipNow()',
    '#[ignore]',
    '[Fact(Skip = "x")]',
    '$this->markTestSkipped();',
    '  skip "later"',
    'XCTSkip()',
  ])('finds a neutered test: %s', (text) => expect(kinds(text, 'test/a.test.ts')).toContain('test_neutered'));

  it.each(['const it = only;', 'model.fit(x)', 'stream.skip(1)', 'exit(0)', 'await list.only.map(x)'])(
    'takes %s for no neutered test',
    (text) => {
      expect(kinds(text)).toEqual([]);
    },
  );

  it.each([
    ['package-lock.json', '"resolved": "https://evil.example/x.tgz",'],
    ['package-lock.json', '"resolved": "git+ssh://git@github.com/a/b.git#1",'],
    ['yarn.lock', '  resolved "https://evil.example/x.tgz"'],
    ['pnpm-lock.yaml', '    resolution: {tarball: https://evil.example/x.tgz}'],
    ['Cargo.lock', 'source = "git+https://github.com/a/b"'],
    ['uv.lock', 'source = { registry = "https://evil.example/simple" }'],
    ['Gemfile.lock', '  remote: https://evil.example/'],
    ['package-lock.json', '"resolved": "https://registry.npmjs.org.evil.example/x.tgz",'],
  ])('finds a package of %s that comes from somewhere else: %s', (path, text) => {
    expect(kinds(text, path)).toContain('lockfile_host');
  });

  it.each([
    ['package-lock.json', '"resolved": "https://registry.npmjs.org/x/-/x-1.0.0.tgz",'],
    ['package-lock.json', '"url": "https://github.com/sponsors/x"'],
    ['Cargo.lock', 'source = "registry+https://github.com/rust-lang/crates.io-index"'],
    ['Gemfile.lock', '  remote: https://rubygems.org/'],
  ])('lets the usual source in %s pass: %s', (path, text) => expect(kinds(text, path)).toEqual([]));

  it('takes time in proportion to the text', () => {
    const hostile = [
      'it.',
      'it.a.a.a',
      'eyJ',
      '"test" ',
      '://',
      '://a:',
      'token = "',
      '@',
      'ghp_',
      '\\u0041',
      '👩‍',
      '"resolved" ',
    ];
    const started = performance.now();
    for (const path of ['package.json', 'package-lock.json']) {
      for (const part of hostile) kinds(part.repeat(Math.ceil(200_000 / part.length)), path, ['it.it.it.it.x']);
    }
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
