import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Forge, ForgeRefusal } from '../../src/commands/ports/forge.ts';
import { commitInto, git } from '../support/git-commands.ts';

/** A forge with one repository, and what a person could do and see there. */
export interface ForgeWorld {
  readonly forge: Forge;
  readonly remote: string;
  /** The repository behind the remote, to make branches in. */
  readonly bare: string;
  settle(number: number, state: 'closed' | 'merged'): Promise<void>;
  texts(number: number): Promise<{ readonly title: string; readonly body: string }>;
  comments(number: number): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const HOSTILE_BODY = [
  'first line',
  '`$(touch /tmp/pwned)` "quoted" \'single\' \\ %s {owner} {repo} @file @- ',
  '\ttab, trailing space ',
  '<!-- hidden --> <script>alert(1)</script> &amp;',
  '\u{1f600} \u{10ffff} é \ufeff \u2028 end',
  '',
  '',
].join('\n');

/** What every forge holds to. */
export const describeForge = (name: string, start: () => Promise<ForgeWorld>): void => {
  describe(name, () => {
    let world: ForgeWorld;
    beforeAll(async () => {
      world = await start();
    });
    afterAll(() => world?.stop());

    let branches = 0;
    const branch = async (): Promise<{ branch: string; head: string }> => {
      branches++;
      const fresh = `countersign/${branches.toString().padStart(12, '0')}`;
      return { branch: fresh, head: await commitInto(world.bare, fresh, `change ${branches}\n`) };
    };
    const open = (on: string, text: { title?: string; body?: string } = {}) =>
      world.forge.openDraft({ remote: world.remote, branch: on, base: 'main', title: 'A change', body: 'Why', ...text });

    it('finds nothing for a branch without a pull request', async () => {
      const { branch: fresh } = await branch();
      expect(await world.forge.findPullRequest(world.remote, fresh)).toBeNull();
    });

    it('opens a draft and finds it again by its branch', async () => {
      const { branch: fresh, head } = await branch();
      const opened = await open(fresh);
      expect(opened).toMatchObject({ state: 'open', draft: true, branch: fresh, head });
      expect(opened.url).toMatch(new RegExp(`/pull/${opened.number}$`));
      expect(await world.forge.findPullRequest(world.remote, fresh)).toEqual(opened);
    });

    it('keeps branches apart, also when one name begins with the other', async () => {
      const { branch: fresh } = await branch();
      await commitInto(world.bare, `${fresh}-2`, 'second\n');
      const opened = await open(fresh);
      const second = await open(`${fresh}-2`);
      expect(second.number).not.toBe(opened.number);
      expect((await world.forge.findPullRequest(world.remote, fresh))?.number).toBe(opened.number);
      expect((await world.forge.findPullRequest(world.remote, `${fresh}-2`))?.number).toBe(second.number);
    });

    it('gives the same pull request to whoever opens it again', async () => {
      const { branch: fresh } = await branch();
      const opened = await open(fresh);
      expect(await open(fresh, { title: 'Another', body: 'Another' })).toEqual(opened);
      expect((await world.texts(opened.number)).body).toBe('Why');
    });

    it('opens one pull request when several open it at once', async () => {
      const { branch: fresh } = await branch();
      const opened = await Promise.all(Array.from({ length: 4 }, () => open(fresh)));
      expect(new Set(opened.map(({ number }) => number)).size).toBe(1);
    });

    it('follows the branch while it is open', async () => {
      const { branch: fresh } = await branch();
      await open(fresh);
      const next = await commitInto(world.bare, fresh, 'more\n', { from: fresh });
      expect((await world.forge.findPullRequest(world.remote, fresh))?.head).toBe(next);
    });

    it.each(['closed', 'merged'] as const)('says that a pull request was %s, and opens another one then', async (state) => {
      const { branch: fresh } = await branch();
      const opened = await open(fresh);
      await world.settle(opened.number, state);
      expect(await world.forge.findPullRequest(world.remote, fresh)).toMatchObject({ number: opened.number, state });
      const next = await open(fresh);
      expect(next).toMatchObject({ state: 'open', draft: true });
      expect(next.number).toBeGreaterThan(opened.number);
      expect((await world.forge.findPullRequest(world.remote, fresh))?.number).toBe(next.number);
    });

    it('keeps title and body as they are, byte for byte', async () => {
      const { branch: fresh } = await branch();
      const title = '-F /etc/passwd `x` "$(id)" \\n @ é \u{1f600} {owner} %20 --repo=a/b';
      const opened = await open(fresh, { title, body: HOSTILE_BODY });
      expect(await world.texts(opened.number)).toEqual({ title, body: HOSTILE_BODY });
    });

    it('takes the longest body there is', async () => {
      const { branch: fresh } = await branch();
      const body = '\u{1f600}é'.repeat(20_000);
      expect((await world.texts((await open(fresh, { body })).number)).body).toBe(body);
    });

    it('comments once for a marker, whoever asks how often', async () => {
      const { number } = await open((await branch()).branch);
      const comment = (attempt: number) => {
        const marker = `<!-- attempt ${attempt} -->`;
        return world.forge.commentOnce(world.remote, number, marker, `${marker}\n\n${HOSTILE_BODY}${attempt}`);
      };
      await comment(2);
      await comment(2);
      await comment(3);
      await Promise.all([comment(4), comment(4), comment(4)]);
      expect([...(await world.comments(number))].sort()).toEqual(
        [2, 3, 4].map((attempt) => `<!-- attempt ${attempt} -->\n\n${HOSTILE_BODY}${attempt}`),
      );
    });

    it('refuses with a sentence what no second try changes', async () => {
      const { branch: fresh } = await branch();
      await git(world.bare, ['update-ref', 'refs/heads/same', 'main']);
      const refused = [
        open('countersign/none'),
        open('same'),
        world.forge.openDraft({ remote: world.remote, branch: fresh, base: 'none', title: 'A change', body: '' }),
        world.forge.commentOnce(world.remote, 99_999, '<!-- m -->', '<!-- m -->'),
      ];
      for (const { status, reason } of (await Promise.allSettled(refused)).map((result) => ({ reason: undefined, ...result }))) {
        expect(status).toBe('rejected');
        expect(reason).toBeInstanceOf(ForgeRefusal);
        expect(String(reason)).toMatch(/^ForgeRefusal: [A-Z].*\. [A-Z].*\.$/s);
        expect(String(reason)).not.toContain(world.bare);
      }
    });
  });
};
