import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateNeeded, ITEMS_MAX, judge } from '../../../src/domain/policy/judge.ts';
import { narrow, policyDigest } from '../../../src/domain/policy/policy.ts';
import {
  type ChangeEntry,
  type CollectedChange,
  type LineFinding,
  type Policy,
  PolicyReport,
} from '../../../src/domain/policy/shapes.ts';
import { added, change, deleted, entry, policy } from './change.ts';

const violations = (judged: CollectedChange, rules: Policy = policy()): string[] =>
  judge(judged, rules).violations.map((item) => item.rule);
const warnings = (judged: CollectedChange): string[] => judge(judged, policy()).warnings.map((item) => item.rule);

describe('Judging an ordinary change', () => {
  it('passes, with its counts', () => {
    const report = judge(
      change([entry('src/a.ts'), added('src/b.ts', { insertions: 5 }), deleted('src/c.ts', { deletions: 7 })]),
      policy(),
    );
    expect(report).toMatchObject({
      verdict: 'pass',
      violations: [],
      warnings: [],
      omitted: 0,
      files: 3,
      insertions: 6,
      deletions: 8,
    });
    expect(PolicyReport.parse(report)).toEqual(report);
  });

  it.each([
    'docs/.github-guide.md',
    'src/environment.ts',
    'src/keyboard.ts',
    'src/secrets.ts',
    '.gitignore',
    '.gitkeep',
    'src/npmrc.ts',
    'ünï/日本.ts',
  ])('lets %s pass, which only resembles a blocked name', (path) => expect(violations(change([entry(path)]))).toEqual([]));
});

describe('A blocked path', () => {
  const blocked = [
    '.github/workflows/ci.yml',
    '.GITHUB/Workflows/ci.yml',
    '.github\\workflows\\ci.yml',
    '.gitmodules',
    '.env',
    'deploy/.env.production',
    'certificates/server.pem',
    'server.KEY',
    'id_rsa',
    'home/id_rsa.pub',
    'app/secrets/token.txt',
    '.npmrc',
    'web/.npmrc',
    '.pypirc',
    '.netrc',
    'CODEOWNERS',
    '.github/CODEOWNERS',
    '.ｎpmrc',
  ];

  it.each(blocked)('%s is refused whatever is done to it', (path) => {
    for (const done of [
      entry(path),
      added(path),
      deleted(path),
      added(path, { insertions: 0, newBytes: 0 }),
      entry(path, { newMode: '100755', insertions: 0, deletions: 0 }),
    ]) {
      expect(violations(change([done]))).toContain('blocked_path');
    }
  });

  it('is refused on both sides of a rename', () => {
    expect(violations(change([deleted('.github/workflows/ci.yml'), added('docs/ci.yml')]))).toEqual(['blocked_path']);
    expect(violations(change([deleted('docs/ci.yml'), added('.github/workflows/ci.yml')]))).toEqual(['blocked_path']);
  });
});

describe('A name that is git’s own', () => {
  it.each([
    '.git/config',
    'a/.git/hooks/pre-commit',
    '.GIT/config',
    'a/.git./x',
    'git~1/config',
    '.g\u200cit/config',
    'a/.git::$DATA',
    '.gitmodules.',
  ])('is refused: %j', (path) => expect(violations(change([added(path)]), policy({ blockedPaths: [] }))).toContain('git_name'));
});

describe('A name that leads astray', () => {
  it.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', './a', 'a/.', 'a\0b', 'C:/x', '..\\x', 'a/‥/b'])(
    'is refused: %j',
    (path) => {
      expect(violations(change([added(path)]))).toContain('traversal');
    },
  );

  it('is refused when it is not UTF-8', () => {
    expect(violations(change([added('a\\xff', { pathIsUtf8: false })]))).toEqual(['name_not_utf8']);
  });

  it.each(['a\u202etxt.exe', 'a\nb', 'p\u0430ypal.ts'])('is warned of when it deceives: %j', (path) => {
    expect(warnings(change([added(path)]))).toEqual(['deceptive_name']);
  });

  it('is shown spelled out', () => {
    expect(judge(change([added('a\u202eb')]), policy()).warnings[0]?.path).toBe('a\\u{202e}b');
  });
});

describe('Anything but an ordinary file', () => {
  it.each<[string, ChangeEntry, string]>([
    ['an added link', added('a', { newMode: '120000' }), 'symlink'],
    ['a removed link', deleted('a', { oldMode: '120000' }), 'symlink'],
    ['a file that becomes a link', entry('a', { kind: 'type_changed', newMode: '120000' }), 'symlink'],
    ['a link that becomes a file', entry('a', { kind: 'type_changed', oldMode: '120000' }), 'symlink'],
    ['a moved submodule', entry('a', { oldMode: '160000', newMode: '160000' }), 'submodule'],
    ['an added submodule', added('a', { newMode: '160000' }), 'submodule'],
    ['a group-writable file', entry('a', { newMode: '100664' }), 'file_mode'],
    ['a file that was a tree', entry('a', { oldMode: '040000' }), 'file_mode'],
    ['a binary file', entry('a', { insertions: null, deletions: null }), 'binary_file'],
    ['a deleted binary file', deleted('a', { insertions: null, deletions: null }), 'binary_file'],
  ])('is refused: %s', (_, judged, rule) => expect(violations(change([judged]))).toEqual([rule]));

  it.each(['git_folder', 'device', 'socket', 'fifo', 'unreadable'] as const)('is refused when the folder held it: %s', (what) => {
    expect(violations(change([], { refusedPaths: [{ path: 'a/x', what }] }))).toEqual(['refused_path']);
  });

  it('may be binary where the operator allows it, under a person’s eye', () => {
    const report = judge(change([entry('a.png', { insertions: null, deletions: null })]), policy({ binaryFiles: 'allow' }));
    expect(report).toMatchObject({ verdict: 'warn', warnings: [{ rule: 'binary_file' }] });
  });
});

describe('The size of a change', () => {
  const files = (count: number, fields: Partial<ChangeEntry> = {}): ChangeEntry[] =>
    Array.from({ length: count }, (_, index) => added(`src/${index}`, fields));

  it('is counted in files, empty and mode-only ones included', () => {
    expect(violations(change(files(50, { insertions: 0, newBytes: 0 })))).toEqual([]);
    expect(violations(change(files(51, { insertions: 0, newBytes: 0 })))).toEqual(['too_many_files']);
    expect(violations(change(files(51, { kind: 'modified', oldMode: '100644', newMode: '100755', insertions: 0 })))).toEqual([
      'too_many_files',
    ]);
  });

  it('is counted in lines, added and removed', () => {
    expect(violations(change([entry('a', { insertions: 1_000, deletions: 1_000 })]))).toEqual([]);
    expect(violations(change([entry('a', { insertions: 1_000, deletions: 1_001 })]))).toEqual(['too_many_lines']);
  });

  it('is counted in bytes of patch', () => {
    expect(violations(change([entry('a')], { patchBytes: 1024 * 1024 }))).toEqual([]);
    expect(violations(change([entry('a')], { patchBytes: 1024 * 1024 + 1 }))).toEqual(['patch_too_large']);
  });

  it('is never judged by a limit that is no number', () => {
    expect(() => judge(change([entry('a')]), policy({ filesMax: Number.NaN }))).toThrow();
  });

  it('is refused past what is looked at one by one, whatever the policy says', () => {
    expect(violations(change(files(10_001, { insertions: 0 })), policy({ filesMax: 1_000_000 }))).toEqual(['too_many_files']);
  });
});

describe('What stands in added lines', () => {
  const finding = (kind: LineFinding['kind'], line = 3): LineFinding => ({ path: 'src/a.ts', kind, line });

  it.each(['service_secret', 'private_key'] as const)('is refused: %s', (kind) => {
    expect(violations(change([entry('src/a.ts')], { findings: [finding(kind)] }))).toEqual([kind]);
  });

  it.each([
    'likely_secret',
    'bidirectional_control',
    'invisible_character',
    'lifecycle_script',
    'test_script',
    'test_neutered',
    'lockfile_host',
  ] as const)('is warned of: %s', (kind) =>
    expect(warnings(change([entry('src/a.ts')], { findings: [finding(kind)] }))).toEqual([kind]),
  );

  it('is one item a path, with the first places', () => {
    const findings = [9, 3, 3, 4, 5, 6, 7].map((line) => finding('likely_secret', line));
    expect(judge(change([entry('src/a.ts')], { findings }), policy()).warnings).toEqual([
      {
        rule: 'likely_secret',
        path: 'src/a.ts',
        sentence: 'An added line looks like a password or a token (line 3, 4, 5, 6, 7 and 1 more).',
      },
    ]);
  });
});

describe('A change that deserves a person’s eye', () => {
  it.each<[string, ChangeEntry]>([
    ['executable_bit', added('run.sh', { newMode: '100755' })],
    ['executable_bit', entry('run.sh', { newMode: '100755' })],
    ['dependency_manifest', entry('web/package.json')],
    ['dependency_manifest', entry('requirements-dev.txt')],
    ['lock_file', entry('package-lock.json')],
    ['lock_file', entry('Cargo.lock')],
    ['agent_or_editor_configuration', added('CLAUDE.md')],
    ['agent_or_editor_configuration', entry('pkg/AGENTS.md')],
    ['agent_or_editor_configuration', added('.claude/settings.json')],
    ['agent_or_editor_configuration', added('.mcp.json')],
    ['agent_or_editor_configuration', added('.cursor/rules/x.mdc')],
    ['agent_or_editor_configuration', entry('.vscode/tasks.json')],
    ['agent_or_editor_configuration', entry('.husky/pre-commit')],
    ['agent_or_editor_configuration', entry('.gitattributes')],
    ['agent_or_editor_configuration', entry('.countersign.yml')],
    ['agent_or_editor_configuration', entry('okaydokki.yaml')],
    ['continuous_integration', entry('.gitlab-ci.yml')],
    ['continuous_integration', entry('.circleci/config.yml')],
    ['continuous_integration', entry('.github/actions/setup/action.yml')],
    ['continuous_integration', entry('.ci/run')],
    ['continuous_integration', entry('Jenkinsfile')],
    ['test_deleted', deleted('test/a.spec.ts')],
    ['test_deleted', deleted('src/a_test.go')],
    ['test_changed', entry('src/__tests__/a.js')],
    ['test_configuration', entry('vitest.config.ts')],
    ['test_configuration', added('conftest.py')],
  ])('is warned of: %s', (rule, judged) => expect(warnings(change([judged]))).toContain(rule));

  it('is not a new test, a bit that is taken away, or a document', () => {
    expect(
      warnings(change([added('test/new.spec.ts'), entry('run.sh', { oldMode: '100755' }), entry('docs/latest.md')])),
    ).toEqual([]);
  });
});

describe('A report', () => {
  it('lists every violation with its path, and cuts a long list saying how many are left out', () => {
    const judged = change([added('.env'), added('a.pem', { newMode: '120000' })]);
    expect(judge(judged, policy()).violations.map(({ rule, path }) => `${rule} ${path}`)).toEqual([
      'blocked_path .env',
      'blocked_path a.pem',
      'symlink a.pem',
    ]);
    const many = change(Array.from({ length: 300 }, (_, index) => added(`keys/${index}.pem`)));
    const report = judge(many, policy({ filesMax: 1_000 }));
    expect(report.violations).toHaveLength(ITEMS_MAX);
    expect(report.omitted).toBe(100);
  });

  it('puts the gravest first, so that none is cut for a lesser one', () => {
    const many = Array.from({ length: 300 }, (_, index) => added(`a${index}`, { insertions: null, deletions: null }));
    expect(judge(change([...many, entry('z/.env')]), policy()).violations[1]).toMatchObject({
      rule: 'blocked_path',
      path: 'z/.env',
    });
  });

  const path = fc.oneof(
    fc.constantFrom(
      '.env',
      'package.json',
      'src/a.ts',
      '.git/x',
      'test/a.test.ts',
      '.GITHUB/workflows/a',
      'k.pem',
      '../x',
      'a\u202eb',
    ),
    fc.string({ maxLength: 12 }),
  );
  const mode = fc.constantFrom('000000', '100644', '100755', '120000', '160000');
  const lines = fc.option(fc.nat(1_500));
  const entries = fc.array(
    fc
      .record({
        path,
        oldMode: mode,
        newMode: mode,
        insertions: lines,
        deletions: lines,
        kind: fc.constantFrom('added', 'modified', 'deleted'),
      })
      .map(({ path: name, ...fields }) => entry(name, fields)),
    { maxLength: 60 },
  );
  const findings = fc.array(
    fc.record({ path, kind: fc.constantFrom('private_key', 'likely_secret', 'test_neutered'), line: fc.nat(20) }),
    { maxLength: 10 },
  );
  const changes = fc.tuple(entries, findings).map(([some, found]) => change(some, { findings: found }));
  const wish = fc.record(
    {
      blockedPaths: fc.array(fc.constantFrom('src/**', '*.ts', 'test/', 'a*'), { maxLength: 3 }),
      binaryFiles: fc.constantFrom('block', 'allow'),
      filesMax: fc.integer({ min: 1, max: 100 }),
      changedLinesMax: fc.integer({ min: 1, max: 5_000 }),
      patchBytesMax: fc.integer({ min: 1, max: 5_000_000 }),
      patchGate: fc.constantFrom('never', 'risky', 'always'),
      weakSandbox: fc.constantFrom('allow', 'refuse'),
    },
    { requiredKeys: [] },
  );

  it('does not depend on the order of anything', () => {
    fc.assert(
      fc.property(changes, (judged) => {
        const turned = { ...judged, entries: judged.entries.toReversed(), findings: judged.findings.toReversed() };
        const rules = policy();
        const turnedRules = { ...rules, blockedPaths: rules.blockedPaths.toReversed() };
        expect(judge(turned, turnedRules)).toEqual(judge(judged, rules));
      }),
    );
  });

  it('of a narrowed policy holds every violation of the wider one, and its gate is no looser', () => {
    fc.assert(
      fc.property(changes, wish, wish, (judged, operator, repository) => {
        const wide = { ...policy(), ...operator };
        const narrowed = narrow(wide, repository);
        const found = new Set(violations(judged, narrowed));
        for (const rule of violations(judged, wide)) expect(found).toContain(rule);
        const [before, after] = [judge(judged, wide), judge(judged, narrowed)];
        if (after.verdict !== 'violation' && gateNeeded(before, wide.patchGate)) {
          expect(gateNeeded(after, narrowed.patchGate)).toBe(true);
        }
      }),
    );
  });

  it('is a shape that can be stored', () => {
    fc.assert(fc.property(changes, (judged) => void PolicyReport.parse(judge(judged, policy()))));
  });

  it('of the largest change that is looked at takes no time to speak of', () => {
    const most = change(Array.from({ length: 10_000 }, (_, index) => added(`packages/some/deep/folder/${index}/index.ts`)));
    const started = performance.now();
    judge(most, policy());
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});

describe('Narrowing a policy', () => {
  it('takes the stricter of both, point for point', () => {
    expect(
      narrow(policy({ filesMax: 50, patchGate: 'risky', weakSandbox: 'allow', blockedPaths: ['a'] }), {
        filesMax: 500,
        changedLinesMax: 10,
        patchGate: 'never',
        weakSandbox: 'refuse',
        binaryFiles: 'allow',
        blockedPaths: ['b', 'a'],
      }),
    ).toEqual(policy({ filesMax: 50, changedLinesMax: 10, patchGate: 'risky', weakSandbox: 'refuse', blockedPaths: ['a', 'b'] }));
  });

  it('twice is the same as once', () => {
    const wish = { filesMax: 3, patchGate: 'always' as const, blockedPaths: ['x'] };
    const once = narrow(policy(), wish);
    expect(narrow(once, wish)).toEqual(once);
  });

  it('gives another digest exactly when a rule differs', () => {
    expect(policyDigest(policy())).toBe(policyDigest(policy({ blockedPaths: policy().blockedPaths.toReversed() })));
    expect(policyDigest(policy())).not.toBe(policyDigest(policy({ filesMax: 49 })));
  });
});

describe('The patch gate', () => {
  const report = (entries: readonly ChangeEntry[]): PolicyReport => judge(change(entries), policy());
  const clean = report([entry('src/a.ts')]);
  const risky = report([entry('package.json')]);
  const refused = report([entry('.env')]);

  it('follows the mode', () => {
    expect([clean, risky].map((one) => gateNeeded(one, 'always'))).toEqual([true, true]);
    expect([clean, risky].map((one) => gateNeeded(one, 'risky'))).toEqual([false, true]);
    expect([clean, risky].map((one) => gateNeeded(one, 'never'))).toEqual([false, false]);
  });

  it('is not there for a violation, which ends the task', () => {
    expect(gateNeeded(refused, 'always')).toBe(false);
  });
});
