import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const pages = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

/** Below which name a heading is found, as GitHub makes it; and names that a page gives itself. */
const anchorsOf = (page: string): readonly string[] => [
  ...Array.from(textOf(page).matchAll(/^#+ (.+)$/gm), ([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  ),
  ...Array.from(textOf(page).matchAll(/<a id="([^"]+)">/g), ([, id = '']) => id),
];

const isBroken = (page: string, link: string): boolean => {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return true;
  return anchor !== undefined && !anchorsOf(target).includes(anchor);
};

describe('Links and pictures of the documentation', () => {
  it.each(pages)('lead somewhere: %s', (page) => {
    const links = Array.from(
      textOf(page).matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g),
      ([, link, picture]) => link ?? picture ?? '',
    );
    expect(links.filter((link) => !/^(https?|mailto):/.test(link) && isBroken(page, link))).toEqual([]);
  });

  it('leave no picture over', () => {
    const shown = pages.map(textOf).join('');
    expect(globSync('*.png', { cwd: join(root, 'docs/pictures') }).filter((name) => !shown.includes(`pictures/${name}`))).toEqual(
      [],
    );
  });
});
