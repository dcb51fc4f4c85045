import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BOT_TOKEN, MODEL_KEY, openWorkbench, templateAgent } from './workbench.ts';

describe('The contract with an agent', () => {
  it('gives it the request in variables and its two folders to write', async () => {
    await using bench = await openWorkbench();
    const intent = `--help $(touch /out/run) \`id\` "two" 'one'\nnext line; rm -rf /work`;
    const result = await bench.sh('env -0 | sort -z > /out/env; pwd; touch made', { intent, feedback: 'Use a loop' });

    expect(result).toMatchObject({ outcome: 'finished', exitCode: 0, meta: {}, egress: [] });
    expect(result.log.toString()).toBe('/work\n');
    const variables = new Set((await readFile(join(bench.outFolder, 'env'), 'utf8')).split('\0'));
    for (const variable of [
      `OKD_INTENT=${intent}`,
      'OKD_FEEDBACK=Use a loop',
      'OKD_TASK_ID=b0c9a1de-0000-4000-8000-000000000001',
      'OKD_REPO=acme/shop',
      'OKD_BRANCH=countersign/b0c9a1de0000',
      'OKD_TRIGGER_USER=ada',
      'OKD_WORKDIR=/work',
      'OKD_OUTDIR=/out',
      'HOME=/home/agent',
    ]) {
      expect(variables).toContain(variable);
    }
    expect(await readFile(join(bench.workFolder, 'made'), 'utf8')).toBe('');
  });

  it('hands over only the variables that the operator lists', async () => {
    await using bench = await openWorkbench();
    const environment = { PATH: process.env.PATH, CI: 'yes', TELEGRAM_BOT_TOKEN: BOT_TOKEN, MODEL_KEY };
    const result = await bench.sh('env', {}, { environment, envPass: ['CI', 'ABSENT', '__proto__'] });
    expect(result.log.toString()).toMatch(/^CI=yes$/m);
    expect(result.log.toString()).not.toMatch(/TELEGRAM|MODEL_KEY|ABSENT/);
  });

  it.each([
    ['an option', '--help'],
    ['a substitution', '$(touch /out/harm) `touch /out/harm`'],
    ['an end of the quotes', `'; touch /out/harm; ' "; touch /out/harm; "`],
    ['lines', 'one\ntouch /out/harm\n\ntwo\n'],
    ['a glob and a variable', '* ~ $HOME $1 ?'],
  ])('does not let an intent become %s in a template', async (_, intent) => {
    await using bench = await openWorkbench();
    const command =
      'node -e \'fs.writeFileSync("/out/argv.json", JSON.stringify(process.argv.slice(1)))\' -- {{intent}} id={{task_id}}';
    const result = await bench.run(bench.agents(templateAgent(command)), { intent });

    expect(result.outcome).toBe('finished');
    const written: unknown = JSON.parse(await readFile(join(bench.outFolder, 'argv.json'), 'utf8'));
    const given = intent.startsWith('-') ? ` ${intent}` : intent;
    expect(written).toEqual([given, 'id=b0c9a1de-0000-4000-8000-000000000001']);
    await expect(readFile(join(bench.outFolder, 'harm'))).rejects.toThrow('ENOENT');
  });

  it('refuses a NUL and a text that no variable can hold, in a sentence', async () => {
    await using bench = await openWorkbench();
    const nul = await bench.sh('touch /out/ran', { intent: 'a\0b' });
    const long = await bench.sh('touch /out/ran', { intent: 'x'.repeat(200_000) });
    expect(nul).toMatchObject({ outcome: 'failed', exitCode: null, sentence: expect.stringContaining('NUL') });
    expect(long).toMatchObject({ outcome: 'failed', sentence: expect.stringContaining('too long') });
    await expect(readFile(join(bench.outFolder, 'ran'))).rejects.toThrow('ENOENT');
  });

  it('starts from a history of one commit that keeps every byte', async () => {
    await using bench = await openWorkbench({
      '.gitattributes': '* text=auto eol=lf ident filter=evil working-tree-encoding=UTF-16\n',
      '.gitignore': 'ignored.txt\n',
      'ignored.txt': 'tracked all the same\n',
      'crlf.txt': 'one\r\n$Id$\r\n',
      'a "quoted"\nname': 'x',
    });
    const before = await readFile(join(bench.workFolder, 'crlf.txt'));
    const result = await bench.sh(
      'git status --porcelain --ignored; git log --format=%s; git ls-files | wc -l; git cat-file blob HEAD:crlf.txt | od -c | head -1; echo >> crlf.txt; git diff --stat',
    );
    expect(result.log.toString()).toBe(
      'Starting tree\n5\n0000000   o   n   e  \\r  \\n   $   I   d   $  \\r  \\n\n crlf.txt | 1 +\n 1 file changed, 1 insertion(+)\n',
    );
    expect((await readFile(join(bench.workFolder, 'crlf.txt'))).subarray(0, before.length)).toEqual(before);
  });

  it('starts once its tree is written', async () => {
    await using bench = await openWorkbench({});
    const fill = async (): Promise<void> => {
      await sleep(300);
      await writeFile(join(bench.workFolder, 'late.txt'), 'here\n');
    };
    expect((await bench.sh('cat late.txt; git ls-files', { fill })).log.toString()).toBe('here\nlate.txt\n');
  });

  it('does not start when its tree cannot be written, and nothing is left of it', async () => {
    await using bench = await openWorkbench({});
    const fill = () => Promise.reject(new Error('no such tree'));
    await expect(bench.sh('touch /out/ran', { fill })).rejects.toThrow('no such tree');
    expect(await readdir(bench.outFolder)).toEqual([]);
    expect(await readdir(join(bench.dataFolder, 'run', 'agent'))).toEqual([]);
  });

  it('does not start without its history', async () => {
    await using bench = await openWorkbench({ '.git': 'nonsense\n' });
    const result = await bench.sh('touch /out/ran');
    expect(result).toMatchObject({ outcome: 'failed', exitCode: 126, sentence: expect.stringContaining('log says why') });
    expect(result.log.toString()).toContain('the agent could not be prepared (git)');
    expect(await readdir(bench.outFolder)).toEqual([]);
  });

  it('takes an empty tree', async () => {
    await using bench = await openWorkbench({});
    expect((await bench.sh('git log --format=%s')).log.toString()).toBe('Starting tree\n');
  });

  it('says what an exit code other than 0 means', async () => {
    await using bench = await openWorkbench();
    const result = await bench.sh('echo working; echo trouble >&2; exit 3');
    expect(result).toMatchObject({
      outcome: 'failed',
      exitCode: 3,
      sentence: expect.stringMatching(/exit code 3.*log says why/),
    });
    expect(result.log.toString()).toContain('trouble\n');
  });

  it('shows mounted files read-only and nothing beside them', async () => {
    await using bench = await openWorkbench();
    const tools = join(bench.root, 'tools');
    await mkdir(tools);
    await writeFile(join(tools, 'fix.sh'), 'echo fixed > README.md\n');
    const agents = bench.agents(
      templateAgent('sh /opt/tools/fix.sh && ! touch /opt/tools/x && ls /opt', { mounts: [{ from: tools, to: '/opt/tools' }] }),
    );
    const result = await bench.run(agents);
    expect(result.outcome).toBe('finished');
    expect(result.log.toString()).toMatch(/^countersign\ntools$/m);
  });
});

describe('agent.meta.json', () => {
  const metaAfter = async (write: (path: string) => Promise<unknown>) => {
    await using bench = await openWorkbench();
    await write(join(bench.outFolder, 'agent.meta.json'));
    const result = await bench.sh('true');
    return { meta: result.meta, log: result.log.toString() };
  };

  it('is shown, redacted', async () => {
    const { meta, log } = await metaAfter((path) => writeFile(path, JSON.stringify({ model: 'm-1', note: `key ${MODEL_KEY}` })));
    expect(meta).toEqual({ model: 'm-1', note: 'key [redacted]' });
    expect(log).toBe('');
  });

  it.each<readonly [string, (path: string) => Promise<unknown>]>([
    ['a link', (path) => symlink('/etc/passwd', path)],
    ['a folder', (path) => mkdir(path)],
    ['too big', (path) => writeFile(path, JSON.stringify({ a: 'x'.repeat(17_000) }))],
    ['not JSON', (path) => writeFile(path, '{')],
    ['an array', (path) => writeFile(path, '["a"]')],
    ['nested', (path) => writeFile(path, '{"a":{"b":"c"}}')],
    ['not of strings', (path) => writeFile(path, '{"a":1}')],
    ['of a long value', (path) => writeFile(path, JSON.stringify({ a: 'x'.repeat(501) }))],
    [
      'of many keys',
      (path) => writeFile(path, JSON.stringify(Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v'])))),
    ],
    ['of a key that is no name', (path) => writeFile(path, '{"__proto__":"x"}')],
  ])('is left aside with a note when it is %s', async (_, write) => {
    const { meta, log } = await metaAfter(write);
    expect(meta).toEqual({});
    expect(log).toMatch(/^\[countersign\] agent\.meta\.json was left aside: /);
  });

  it('is left aside when it is a fifo, without waiting for a writer', async () => {
    await using bench = await openWorkbench();
    const result = await bench.sh('mkfifo /out/agent.meta.json');
    expect(result.outcome).toBe('finished');
    expect(result.log.toString()).toContain('left aside');
  });
});
