import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Service } from '../../src/infra/cli/composition.ts';
import { serve } from '../../src/main.ts';
import type { TaskView } from '../../src/projections/task-view.ts';
import { approve, type Client, clientOf, file } from '../support/client.ts';
import { ensureTestImage } from '../support/docker-image.ts';
import { commitTree, git } from '../support/git-commands.ts';
import { openWorkshop, type Workshop } from '../support/workshop.ts';

/** Lists every file it sees as git would name it, without git; then does what no delivery may hold. */
const TEST = `import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
const walk = (folder) => readdirSync(folder, { encoding: 'buffer' }).flatMap((name) => {
  const path = folder === '.' ? name : Buffer.concat([folder, Buffer.from('/'), name]);
  const stats = lstatSync(path);
  if (stats.isDirectory()) return walk(path);
  const bytes = stats.isSymbolicLink() ? readlinkSync(path, { encoding: 'buffer' }) : readFileSync(path);
  const id = createHash('sha1').update('blob ' + bytes.length + '\\0').update(bytes).digest('hex');
  const mode = stats.isSymbolicLink() ? '120000' : stats.mode & 0o100 ? '100755' : '100644';
  return [[mode, id, path.toString('hex')].join(' ')];
});
console.log(JSON.stringify(walk('.').sort()));
rmSync('docs', { recursive: true, force: true });
rmSync('README.md', { recursive: true, force: true });
writeFileSync('README.md', 'changed by the test');
`;

/** What stands at the base: everything that git would treat in its own way, and bytes that it must not touch. */
const BASE = {
  'README.md': 'Hello\n',
  'seen.mjs': TEST,
  'docs/guide.md': 'one\ntwo\n',
  'docs/more.md': 'more\n',
  empty: '',
  'run.sh': { mode: '100755', content: 'echo run\n' },
  'no-newline': 'no newline',
  'crlf.txt': 'a\r\nb\r\n',
  link: { mode: '120000', content: 'README.md' },
  '.gitmodules': '[submodule "lib"]\n\tpath = vendor/lib\n\turl = https://example.com/lib.git\n',
  'vendor/lib': { mode: '160000', id: '5'.repeat(40) },
  '.gitignore': 'build/\nnode_modules/\n*.log\n',
  'build/kept.js': 'kept\n',
  'node_modules/kept/index.js': 'kept\n',
  '.gitattributes': '* text=auto\n',
  'kinds/.gitattributes': `eol.txt text eol=crlf
lf.txt text eol=lf
ident.txt ident
filtered.txt filter=lfs diff=lfs merge=lfs -text
encoded.txt working-tree-encoding=UTF-16LE
left-out.txt export-ignore
replaced.txt export-subst
hidden.txt -diff
merged.txt merge=union conflict-marker-size=3
`,
  'kinds/eol.txt': 'a\nb\n',
  'kinds/lf.txt': 'a\r\nb\r\n',
  'kinds/ident.txt': '$Id$\n',
  'kinds/filtered.txt': 'version https://git-lfs.github.com/spec/v1\n',
  'kinds/encoded.txt': 'plain\n',
  'kinds/left-out.txt': 'left out\n',
  'kinds/replaced.txt': '$Format:%H$\n',
  'kinds/hidden.txt': 'hidden\n',
  'kinds/merged.txt': 'merged\n',
} as const;

const KINDS = ['eol', 'lf', 'ident', 'filtered', 'encoded', 'left-out', 'replaced', 'hidden', 'merged'];

/** Letters of git: added, modified, deleted. */
type Changes = Readonly<Record<string, string>>;

/** What the agent does, and what is delivered of it. */
const DELIVERED: readonly (readonly [what: string, script: string, changes: Changes, ignoredFiles?: number])[] = [
  ['a deletion', 'rm docs/guide.md', { 'docs/guide.md': 'D' }],
  ['a deleted folder', 'rm -r docs', { 'docs/guide.md': 'D', 'docs/more.md': 'D' }],
  ['a rename', 'mv docs/guide.md docs/renamed.md', { 'docs/guide.md': 'D', 'docs/renamed.md': 'A' }],
  ['a rename of case alone', 'mv README.md readme.md', { 'README.md': 'D', 'readme.md': 'A' }],
  ['a file that becomes executable', 'chmod +x empty', { empty: 'M' }],
  ['a file that is executable no more', 'chmod -x run.sh', { 'run.sh': 'M' }],
  ['modes that git does not keep', 'chmod 600 README.md; chmod 711 run.sh; chmod 700 docs; echo > new', { new: 'A' }],
  ['a new empty file', 'mkdir -p a/b && : > a/b/empty', { 'a/b/empty': 'A' }],
  ['a file that becomes empty', ': > README.md', { 'README.md': 'M' }],
  ['a file where a folder was', 'rm -r docs && echo > docs', { 'docs/guide.md': 'D', 'docs/more.md': 'D', docs: 'A' }],
  [
    'a folder where a file was',
    'rm README.md && mkdir README.md && echo > README.md/x',
    { 'README.md': 'D', 'README.md/x': 'A' },
  ],
  [
    'names that need care',
    `for name in 'ä “q” "d" \\.txt' "$(printf 'two\\nlines\\tand a tab')" ' spaces ' '--force' '-rf' ':(top)x' '*' '#x' '!x' '\${HOME}' '$(id)'; do
      printf x > "./$name"
    done`,
    {
      'ä “q” "d" \\.txt': 'A',
      'two\nlines\tand a tab': 'A',
      ' spaces ': 'A',
      '--force': 'A',
      '-rf': 'A',
      ':(top)x': 'A',
      '*': 'A',
      '#x': 'A',
      '!x': 'A',
      '${HOME}': 'A',
      '$(id)': 'A',
    },
  ],
  [
    'line ends of every kind',
    `printf 'a\\r\\nb\\r\\n' > new.txt; printf 'a\\rb\\r\\nc\\n' > mixed.txt; printf 'a\\nb\\n' > crlf.txt`,
    { 'new.txt': 'A', 'mixed.txt': 'A', 'crlf.txt': 'M' },
  ],
  [
    'no newline at the end',
    'printf with > README.md; printf two > two; printf "no newline\\n" > no-newline',
    { 'README.md': 'M', two: 'A', 'no-newline': 'M' },
  ],
  [
    'files with attributes of every kind',
    `for file in kinds/*.txt; do printf 'more $Id: x$\\r\\n' >> $file; done`,
    Object.fromEntries(KINDS.map((kind) => [`kinds/${kind}.txt`, 'M'])),
  ],
  [
    'attributes of its own',
    'echo "* text eol=crlf ident filter=evil diff=evil export-ignore" > .gitattributes; printf "a\\r\\n\\$Id\\$" > new.txt',
    { '.gitattributes': 'M', 'new.txt': 'A' },
  ],
  [
    'tracked files where others are ignored',
    'echo more | tee -a build/kept.js node_modules/kept/index.js > build/new.js; echo > x.log; mkdir build/deep; echo > build/deep/y',
    { 'build/kept.js': 'M', 'node_modules/kept/index.js': 'M' },
    3,
  ],
  [
    'a deletion where others are ignored',
    'rm -r build node_modules',
    { 'build/kept.js': 'D', 'node_modules/kept/index.js': 'D' },
  ],
  ['what only its own rules ignore', 'echo "*" > .gitignore; echo > new.txt', { '.gitignore': 'M', 'new.txt': 'A' }],
  ['what it ignores no more', 'rm .gitignore; echo > x.log; echo > new.txt', { '.gitignore': 'D', 'new.txt': 'A' }, 1],
  ['a commit of its own', 'echo > new.txt; git add -A; git commit -qm x; git rm -q empty', { 'new.txt': 'A', empty: 'D' }],
  ['no .git any more', 'rm -rf .git; echo > new.txt', { 'new.txt': 'A' }],
  ['a .git that is a link', 'rm -rf .git; ln -s / .git; echo > new.txt', { 'new.txt': 'A' }],
  ['a .git that is a file', 'rm -rf .git; echo "gitdir: /etc" > .git; echo > new.txt', { 'new.txt': 'A' }],
  ['an index that hides things', 'git update-index --skip-worktree README.md; echo x > README.md', { 'README.md': 'M' }],
];

/** What the agent does, and every reason why none of it is delivered. */
const REFUSED: readonly (readonly [what: string, script: string, reasons: readonly string[]])[] = [
  ['a symbolic link', 'ln -s /etc/passwd new', ['symlink new']],
  ['a link that points elsewhere', 'ln -sf /etc/passwd link', ['symlink link']],
  ['a link that becomes a file', 'rm link; echo > link', ['symlink link']],
  ['a deleted link', 'rm link', ['symlink link']],
  ['a binary file', "printf 'a\\0b' > new.bin", ['binary_file new.bin']],
  ['a text that becomes binary', "printf 'a\\0b' > README.md", ['binary_file README.md']],
  ['a second repository', 'git init -q sub; echo > sub/x', ['refused_path sub/.git']],
  ['a submodule', 'git init -q sub; git -C sub commit -q --allow-empty -m x; git add sub; true', ['refused_path sub/.git']],
  ['a filled submodule', 'echo > vendor/lib/x', ['submodule vendor/lib']],
  ['a file where a submodule was', 'rmdir vendor/lib; echo > vendor/lib', ['submodule vendor/lib']],
  ['the list of submodules', 'echo >> .gitmodules', ['blocked_path .gitmodules']],
  [
    'a .git by other names',
    'mkdir a .GIT b; echo > .GIT/config; echo > "a/.git "; echo > b/git~1; echo > "$(printf ".g\\342\\200\\214it")"',
    ['refused_path .GIT', 'refused_path .g\\u{200c}it', 'refused_path a/.git ', 'refused_path b/git~1'],
  ],
  ['a pipe', 'mkfifo new', ['refused_path new']],
  [
    'a socket',
    `node -e 'require("net").createServer().listen("new", () => process.kill(process.pid, 9))' || true`,
    ['refused_path new'],
  ],
  ['a file that nobody may read', 'echo > new; chmod 0 new', ['refused_path new']],
  [
    'folders deeper than any path',
    `node -e 'for (const name of Array(600).fill("x".repeat(20))) { fs.mkdirSync(name); process.chdir(name); }'`,
    [`refused_path ${`${'x'.repeat(20)}/`.repeat(20).slice(0, 400)}…`],
  ],
  ['a name that is not UTF-8', 'echo > "$(printf \'a\\377\')"', ['name_not_utf8 a\\xff']],
  [
    'blocked paths, whatever is done to them',
    'mkdir -p .github/workflows a/secrets; echo > .github/workflows/x.yml; echo > a/secrets/x; : > .env; mv README.md .ENV.local',
    ['blocked_path .ENV.local', 'blocked_path .env', 'blocked_path .github/workflows/x.yml', 'blocked_path a/secrets/x'],
  ],
  ['too many files', 'for i in $(seq 51); do echo > f$i; done', ['too_many_files ']],
  ['too many lines', 'seq 2001 > new', ['too_many_lines ']],
  ['a secret of the service', 'printf "%s%s\\n" ghp_journeyjourney journey0123 > new', ['service_secret new']],
  ['a private key', 'printf -- "-----BEGIN %s KEY-----\\n" PRIVATE > new', ['private_key new']],
  [
    'all of it at once',
    'ln -s x new; : > .env; rm link; mkfifo fifo; printf "\\0" > bin; git init -q sub; echo > vendor/lib/x',
    [
      ...['binary_file bin', 'blocked_path .env', 'refused_path fifo', 'refused_path sub/.git'],
      ...['submodule vendor/lib', 'symlink link', 'symlink new'],
    ],
  ],
];

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

describe('A change of a nasty tree', () => {
  let workshop: Workshop;
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    workshop = await openWorkshop();
    await commitTree(workshop.origin, 'main', BASE);
    service = await serve(
      workshop.configuration({
        AGENT_CLI_TEMPLATE: 'sh -c "$OKD_INTENT"',
        DEFAULT_TEST_COMMAND: 'node seen.mjs',
        PATCH_GATE: 'never',
        RUNNING_PER_REPOSITORY_MAX: '4',
        SANDBOX: 'docker',
        SANDBOX_IMAGE: await ensureTestImage(),
        GH_TOKEN: 'ghp_journeyjourneyjourney0123',
      }),
    );
    client = await clientOf(workshop.dataFolder);
  });
  afterAll(async () => {
    await service?.stop();
    await workshop?.remove();
  });

  const made = async (script: string): Promise<TaskView> => approve(client, await file(client, script));

  const changesOf = async ({ prepared, branch }: TaskView): Promise<Changes> => {
    const listing = await git(workshop.origin, [
      ...['diff-tree', '-r', '-z', '--name-status', '--no-renames'],
      ...[prepared?.baseCommit ?? '', branch],
    ]);
    const changes = listing.matchAll(/([AMDT])\0([^\0]+)\0/g).map(([, kind, path]) => [path, kind]);
    return Object.fromEntries(changes);
  };

  const filesOf = async ({ branch }: TaskView): Promise<string[]> => {
    const listing = await git(workshop.origin, ['ls-tree', '-r', '-z', branch]);
    const files = listing.matchAll(/(\d{6}) blob (\w+)\t([^\0]+)\0/g);
    return [...files.map(([, mode, id, path = '']) => `${mode} ${id} ${Buffer.from(path).toString('hex')}`)];
  };

  const filesTested = async ({ taskId }: TaskView): Promise<string[]> =>
    z.array(z.string()).parse((await client.call('GET', `/api/v1/tasks/${taskId}/logs?name=tests`)).json());

  const expectDelivered = async (task: TaskView, changes: Changes): Promise<void> => {
    expect(task.status, task.sentence).toBe('COMPLETED');
    const { tested, allowed, delivered } = task.trees;
    const tree = await git(workshop.origin, ['rev-parse', `${task.branch}^{tree}`]);
    expect([tested, allowed, delivered]).toEqual([tree, tree, tree]);
    expect(await changesOf(task)).toEqual(changes);
    expect((await filesOf(task)).sort()).toEqual(await filesTested(task));
  };

  const cases = DELIVERED.map(([what, script, changes, ignored = 0]) => ({ what, script, changes, ignored }));

  it.concurrent.each(cases)('is delivered as it was tested with $what', async ({ script, changes, ignored }) => {
    const task = await made(script);
    await expectDelivered(task, changes);
    expect(task.runResult?.ignoredFiles).toBe(ignored);
  });

  it.concurrent.each(REFUSED)('is refused for every reason with %s', async (_, script, reasons) => {
    const task = await made(script);
    expect([task.status, task.errorCode], task.sentence).toEqual(['FAILED', 'POLICY_VIOLATION']);
    const violations = task.policy?.violations ?? [];
    expect(violations.map(({ rule, path = '' }) => `${rule} ${path}`).sort()).toEqual(reasons);
    for (const { sentence } of violations) expect(task.sentence).toContain(sentence);
    expect(task.trees.tested).toBeNull();
    expect(await git(workshop.origin, ['for-each-ref', `refs/heads/${task.branch}`])).toBe('');
  });

  it('has nothing of what the agent left in its .git carried out', async () => {
    const sentinel = join(workshop.folder, 'sentinel');
    const task = await made(`
      run=.git/run; printf '#!/bin/sh\\ntouch ${sentinel}\\n' > $run; chmod +x $run; run=$PWD/$run
      for name in core.fsmonitor core.sshCommand core.gitProxy core.editor core.pager core.askPass diff.external credential.helper \\
        filter.evil.clean filter.evil.smudge filter.evil.process diff.evil.textconv diff.evil.command merge.evil.driver \\
        gpg.program uploadpack.packObjectsHook remote.origin.uploadpack remote.origin.receivepack; do
        git config "$name" "touch ${sentinel}"; git config --global "$name" "touch ${sentinel}"
      done
      git config core.worktree /; git config core.hooksPath .git/hooks; git config include.path ../evil.config
      git config filter.evil.required true; git config commit.gpgSign true
      for hook in pre-commit post-commit post-checkout post-index-change pre-push reference-transaction update post-rewrite; do
        cp $run .git/hooks/$hook
      done
      mkdir -p .git/objects/info; echo /etc > .git/objects/info/alternates
      printf '* filter=evil diff=evil merge=evil\\n' > .gitattributes; cp .gitattributes .git/info/attributes
      printf '[core]\\n\\tfsmonitor = touch ${sentinel}\\n' > evil.config
      echo changed > README.md`);
    await expectDelivered(task, { '.gitattributes': 'M', 'evil.config': 'A', 'README.md': 'M' });
    expect(await exists(sentinel)).toBe(false);
  });

  it('is nothing to deliver when nothing but its times, modes and ignored files changed', async () => {
    const task = await made('touch README.md; chmod 600 README.md; echo > x.log; rmdir vendor/lib; mkdir new');
    expect(task).toMatchObject({ status: 'COMPLETED', pullRequest: null, runResult: { hasDiff: false, ignoredFiles: 1 } });
  });
});
