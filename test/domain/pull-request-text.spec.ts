import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attemptComment,
  attemptMarker,
  BODY_CHARACTERS_MAX,
  commitMessage,
  type DeliveredAttempt,
  pullRequestBody,
  pullRequestTitle,
  TITLE_CHARACTERS_MAX,
} from '../../src/domain/pull-request-text.ts';

const TASK = '0b0f6f1e-5a3c-4c58-9a53-0d3a2f6f7a11';
const digest = (digit: string) => digit.repeat(64);
const object = (digit: string) => digit.repeat(40);

const delivered = (fields: Partial<DeliveredAttempt> = {}): DeliveredAttempt => ({
  taskId: TASK,
  attempt: 1,
  intent: 'Fix the rounding of totals',
  base: { branch: 'main', commit: object('b'), commitsSince: 0 },
  agent: { name: 'codex', model: 'gpt-5.5', isolation: 'bubblewrap' },
  validation: {
    command: 'npm test',
    sandbox: { kind: 'docker', reference: 'node:22-bookworm-slim', id: `sha256:${digest('1')}` },
    durationMs: 12_340,
  },
  policy: {
    policyDigest: digest('2'),
    verdict: 'warn',
    violations: [],
    warnings: [{ rule: 'lock_file', path: 'package-lock.json', sentence: 'A lock file changed.' }],
    omitted: 0,
    files: 2,
    insertions: 5,
    deletions: 1,
    patchBytes: 812,
  },
  changes: [
    { path: 'src/total.ts', kind: 'modified' },
    { path: 'package-lock.json', kind: 'added' },
  ],
  approvals: [
    {
      gate: 'request',
      by: 'person-7e0c6d1c-0d5c-4b61-8d0b-1d86fcd1a001',
      at: '2026-11-21T10:00:00.000Z',
      digest: digest('3'),
      byRequester: true,
    },
  ],
  trees: { tested: object('c'), allowed: object('c'), delivered: object('c') },
  ...fields,
});

/** The Markdown without its code: blocks by CommonMark's rule for fences, then spans. What is left is what can act or look like ours. */
const outsideCode = (markdown: string): string => {
  const kept: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split('\n')) {
    const run = /^ {0,3}(`{3,})[^`]*$/.exec(line)?.[1];
    if (fence === null && run !== undefined) fence = run;
    else if (fence !== null && /^ {0,3}`+ *$/.test(line) && line.trim().length >= fence.length) fence = null;
    else if (fence === null) kept.push(line);
  }
  expect(fence, 'every fence is closed').toBeNull();
  return kept.join('\n').replaceAll(/(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)/g, '');
};

/** What GitHub acts on in a merge commit made of the title and the body, wherever it stands. */
const ACTS =
  /(?<![A-Za-z0-9])@[A-Za-z0-9]|#\d|\bGH-\d|\/(issues|pull)\/\d|\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|skip-checks:|\*\*\*NO_CI/i;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const PIECES = [
  '```', '````', '~~~', '`', '\n', '\r', '\r\n', '\u2028', '\u0085', '\u000b', '## Validation', '- Result: passed', 'Closes #1', 'fixes acme/x#22',
  'GH-3', 'https://github.com/acme/x/issues/4', '@alice', '@acme/team', '@', '#', '[skip ci]', '[ci skip]', '[no ci]', '[', ']', 'skip-checks: true',
  'skip-checks:', '***NO_CI***', '<!-- countersign task', '-->', '<details>', '<img src=x onerror=y>', '[a](javascript:b)', '![x](http://y)', '---', '\u202e', '\u200b',
  '\u0000', '\u001b[31m', '\ud800', 'Co-authored-by: Mallory <m@example.com>', 'Signed-off-by: x', '|', '\\', ' ', '    ', '\t', '1', 'a', '\u{1f600}', '\ufe0f', 'text',
]; // biome-ignore format: a list of snippets reads better packed.
const hostile = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 30 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

const hostileDelivery = fc
  .record({
    intent: hostile,
    feedback: hostile,
    command: hostile,
    reference: hostile,
    model: hostile,
    branch: hostile,
    path: hostile,
    sentence: hostile,
  })
  .map((text) => {
    const usual = delivered();
    return delivered({
      intent: text.intent,
      feedback: text.feedback,
      base: { ...usual.base, branch: text.branch, commitsSince: 3 },
      agent: { name: text.model, model: text.model, isolation: 'none' },
      validation: {
        ...usual.validation,
        command: text.command,
        sandbox: { kind: 'docker', reference: text.reference, id: text.reference },
      },
      policy: {
        ...usual.policy,
        violations: [{ rule: 'blocked_path', path: text.path, sentence: text.sentence }],
        warnings: Array.from({ length: 30 }, () => ({ rule: 'x', path: text.path, sentence: text.sentence })),
      },
      changes: Array.from({ length: 30 }, () => ({ path: text.path, kind: 'added' as const })),
    });
  });

describe('The body of a pull request', () => {
  it('says what was asked, how it was tested, judged and allowed, and which trees', () => {
    const body = pullRequestBody(delivered());
    for (const said of [
      '```text\nFix the rounding of totals\n```',
      '- Result: passed in 12.3 s',
      '- Test command: `npm test`',
      `image \`node:22-bookworm-slim\` (\`sha256:${digest('1')}\`)`,
      '- Verdict: passed with warnings',
      'lock_file: package-lock.json: A lock file changed.',
      'added    package-lock.json\nmodified src/total.ts',
      'by `person-7e0c6d1c-0d5c-4b61-8d0b-1d86fcd1a001` (who asked for it) on `2026-11-21T10:00:00.000Z`',
      `- Tree delivered: \`${object('c')}\``,
      'isolated by bubblewrap',
      TASK,
    ]) {
      expect(body).toContain(said);
    }
    expect(body).not.toContain('moved on');
  });

  it('says by how much the base moved, that the agent was not isolated and what it takes over from', () => {
    const usual = delivered();
    const body = pullRequestBody(
      delivered({
        base: { ...usual.base, commitsSince: 2 },
        agent: { ...usual.agent, isolation: 'none' },
        replaces: 7,
      }),
    );
    expect(body).toContain('moved on by 2 commits since');
    expect(body).toContain('**not isolated**');
    expect(body).toContain('Takes over from #7, which');
  });

  it('lists the first twenty changed paths and says how many more there are', () => {
    const body = pullRequestBody(
      delivered({ changes: Array.from({ length: 45 }, (_, i) => ({ path: `f${i}`, kind: 'added' })) }),
    );
    expect(body).toContain('45 paths:');
    expect(body).toContain('f19\n```\n\nAnd 25 more.');
  });

  it('holds no forged section, mention, closing word, comment or HTML, whatever was written', () => {
    const usual = pullRequestBody(delivered()).replaceAll(/^.*(Attempt|Takes).*$/gm, '');
    const ours = new Set(
      outsideCode(usual)
        .split('\n')
        .filter((line) => line.startsWith('#')),
    );
    ours.add('## Feedback on the attempt before');
    fc.assert(
      fc.property(hostileDelivery, (of) => {
        const body = pullRequestBody(of);
        const outside = outsideCode(body);
        expect(outside.split('\n').filter((line) => line.startsWith('#') && !ours.has(line))).toEqual([]);
        expect(outside).not.toMatch(/[<>@`~|\\]|\]\(|#\d|Closes|fixes|Co-authored|Signed-off|\u{1f600}/iu);
        expect(body).not.toMatch(ACTS);
        expect(body.replaceAll(/[\n\t]/g, '')).not.toMatch(UNSEEN);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same outside its code whatever was written', () => {
    fc.assert(
      fc.property(hostileDelivery, hostileDelivery, (one, other) => {
        // An empty text has no code span, so a word stands there.
        const outside = (of: DeliveredAttempt) => outsideCode(pullRequestBody(of)).replaceAll('(empty)', '');
        expect(outside(one)).toBe(outside(other));
      }),
      { numRuns: 300 },
    );
  });

  it('ends with a paragraph of ours, so that nothing written by others is a trailer of a merge commit', () => {
    fc.assert(
      fc.property(hostileDelivery, (of) => {
        expect(pullRequestBody(of).trimEnd().split(/\n\n/).at(-1)).toMatch(
          /^Opened by Countersign as a draft for task [0-9a-f-]{36}\. It stays/,
        );
      }),
    );
  });

  it('stays within what a forge takes, with everything at its longest', () => {
    const long = '\u{10ffff}@a'.repeat(30_000);
    const item = { rule: 'r', path: long, sentence: long };
    const body = pullRequestBody(
      delivered({
        intent: long,
        feedback: long,
        replaces: 7,
        base: { branch: long, commit: object('b'), commitsSince: 1e6 },
        agent: { name: long, model: long, isolation: 'none' },
        validation: { command: long, sandbox: { kind: 'docker', reference: long, id: long }, durationMs: 9e9 },
        policy: { ...delivered().policy, violations: Array(200).fill(item), warnings: Array(200).fill(item), omitted: 1e6 },
        changes: Array.from({ length: 5000 }, () => ({ path: long, kind: 'type_changed' })),
      }),
    );
    expect(body.length).toBeLessThanOrEqual(BODY_CHARACTERS_MAX);
    outsideCode(body);
  });
});

describe('The title of a pull request', () => {
  it('is the first line that says something', () => {
    expect(pullRequestTitle('\n  Fix   the\ttotals \nand more')).toBe('Fix the totals');
    expect(pullRequestTitle(' \n')).toBe('Requested change');
  });

  it('keeps what it says of issues, people and scoped packages, without effect', () => {
    expect(pullRequestTitle('Fixes #12 for @alice: bump @types/node [skip ci]')).toBe(
      'Fixes # 12 for @ alice: bump @ types/node [ skip ci]',
    );
  });

  it('is cut at its limit, between characters', () => {
    expect(pullRequestTitle('x'.repeat(100))).toBe(`${'x'.repeat(TITLE_CHARACTERS_MAX - 1)}…`);
    expect(pullRequestTitle(`${'x'.repeat(70)}\u{1f600}\u{1f600}`).isWellFormed()).toBe(true);
  });

  it('is one short line without effects, whatever was written', () => {
    fc.assert(
      fc.property(hostile, (intent) => {
        const title = pullRequestTitle(intent);
        expect(title.length).toBeGreaterThan(0);
        expect(title.length).toBeLessThanOrEqual(TITLE_CHARACTERS_MAX);
        expect(title).not.toMatch(UNSEEN);
        expect(title).not.toMatch(ACTS);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('A commit message', () => {
  it('is made of the task and the attempt alone', () => {
    expect(commitMessage({ taskId: TASK, attempt: 2 })).toBe(
      [
        'Change of Countersign task 0b0f6f1e5a3c, attempt 2',
        '',
        'Made by a coding agent, judged by policy and tested in a sandbox, delivered after people allowed it.',
        '',
        `Countersign-Task: ${TASK}`,
        'Countersign-Attempt: 2',
        '',
      ].join('\n'),
    );
  });
});

describe('The comment of a later attempt', () => {
  it('begins with the marker of exactly that attempt', () => {
    expect(attemptComment(delivered({ attempt: 2 }))).toMatch(new RegExp(`^${attemptMarker({ taskId: TASK, attempt: 2 })}\n`));
    expect(attemptMarker({ taskId: TASK, attempt: 12 })).not.toContain(attemptMarker({ taskId: TASK, attempt: 1 }));
  });

  it('holds no other comment, and no effect, whatever was written', () => {
    fc.assert(
      fc.property(hostileDelivery, (of) => {
        const comment = attemptComment(of);
        expect(outsideCode(comment).match(/<!--/g)).toHaveLength(1);
        expect(comment).not.toMatch(ACTS);
        expect(comment.length).toBeLessThanOrEqual(BODY_CHARACTERS_MAX);
      }),
    );
  });
});
