import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MODEL_KEY, openWorkbench, templateAgent, type Workbench } from './workbench.ts';

const LIST_HOME = 'cd "$HOME" && find . -type f -o -type l | sort && cat .tool/login.json 2>&1; env | grep MODEL_KEY; true';

const withLogin = async (bench: Workbench) => {
  const home = join(bench.root, 'home');
  await mkdir(join(home, '.tool', 'deep'), { recursive: true });
  await writeFile(join(home, '.tool', 'login.json'), '{"session":"s-1"}\n');
  await chmod(join(home, '.tool', 'login.json'), 0o600);
  await writeFile(join(home, '.tool', 'deep', 'more'), '');
  await writeFile(join(home, '.ssh-key'), 'private');
  await symlink(join(home, '.ssh-key'), join(home, '.tool', 'way-out'));
  return join(home, '.tool');
};

describe('Session sign-in', () => {
  it('gives the login folder and nothing else of the home', async () => {
    await using bench = await openWorkbench();
    const login = await withLogin(bench);
    const result = await bench.run(bench.agents(templateAgent(LIST_HOME, { loginPaths: [login], apiKeyVars: ['MODEL_KEY'] })));
    expect(result.log.toString()).toBe('./.tool/deep/more\n./.tool/login.json\n{"session":"s-1"}\n');
  });

  it('lets the agent write to its copy and keeps the login of this machine as it is', async () => {
    await using bench = await openWorkbench();
    const login = await withLogin(bench);
    const command =
      'echo changed > ~/.tool/login.json && cat ~/.tool/login.json; for f in /opt/countersign/login/0/*; do echo x >> $f; done';
    const result = await bench.run(bench.agents(templateAgent(command, { loginPaths: [login] })));
    expect(result.log.toString()).toMatch(/^changed\n/);
    expect(await readFile(join(login, 'login.json'), 'utf8')).toBe('{"session":"s-1"}\n');
  });

  it('says what to do when there is no login', async () => {
    await using bench = await openWorkbench();
    const result = await bench.run(bench.agents(templateAgent('touch /out/ran', { loginPaths: [join(bench.root, 'absent')] })));
    expect(result).toMatchObject({ outcome: 'failed', sentence: expect.stringContaining('Sign in with its CLI') });
    expect(result.sentence).not.toContain(bench.root);
    await expect(readFile(join(bench.outFolder, 'ran'))).rejects.toThrow('ENOENT');
  });
});

describe('Sign-in by key', () => {
  it('gives the named variable and an empty home', async () => {
    await using bench = await openWorkbench();
    const login = await withLogin(bench);
    const command = `${LIST_HOME.replace('env | grep MODEL_KEY', 'test "$MODEL_KEY" = "$(cat /work/key)" && env | grep -c KEY')}`;
    await writeFile(join(bench.workFolder, 'key'), MODEL_KEY);
    const result = await bench.run(
      bench.agents(templateAgent(command, { loginPaths: [login], authMode: 'api', apiKeyVars: ['MODEL_KEY'] })),
    );
    expect(result.log.toString()).toBe('cat: .tool/login.json: No such file or directory\n1\n');
  });
});
