import { describe, expect, it } from 'vitest';
import { ForgeRefusal } from '../../src/commands/ports/forge.ts';
import { gitHubRepositoryOf } from '../../src/infra/forge/github-repository.ts';

describe('The remote of a GitHub repository', () => {
  it.each([
    'https://github.com/acme/widgets.js.git',
    'https://github.com/acme/widgets.js',
    'https://github.com/acme/widgets.js/',
    'https://GitHub.com/acme/widgets.js.git',
    'https://ada:secret@github.com/acme/widgets.js.git',
    'git@github.com:acme/widgets.js.git',
    'github.com:acme/widgets.js',
    'ssh://git@github.com/acme/widgets.js.git',
    'ssh://github.com/acme/widgets.js.git',
    'ssh://git@ssh.github.com:443/acme/widgets.js.git',
  ])('is understood as %s', (remote) => {
    expect(gitHubRepositoryOf(remote, 'github.com')).toEqual({ owner: 'acme', name: 'widgets.js' });
  });

  it('may be on a host of its own, port included', () => {
    expect(gitHubRepositoryOf('http://127.0.0.1:8080/acme/widgets.git', '127.0.0.1:8080')).toEqual({
      owner: 'acme',
      name: 'widgets',
    });
    expect(gitHubRepositoryOf('git@ghe.example.com:acme/widgets.git', 'ghe.example.com')).toEqual({
      owner: 'acme',
      name: 'widgets',
    });
  });

  it.each([
    'https://github.com.evil.example/acme/widgets.git',
    'https://evil.example/github.com/acme.git',
    'https://github.com@evil.example/acme/widgets.git',
    'https://github.com:8443/acme/widgets.git',
    'https://github.com/acme',
    'https://github.com/acme/widgets/pulls',
    'https://github.com/acme/../widgets',
    'https://github.com/acme/..',
    'https://github.com/acme/.git',
    'https://github.com/ac%2fme/widgets',
    'https://github.com/acme/wid%20gets?x=1',
    'https://github.com/-acme/widgets',
    'git@evil.example:acme/widgets.git',
    '/srv/git/acme/widgets.git',
    'file:///acme/widgets',
    'ext::sh -c id',
    '--upload-pack=x',
    '',
  ])('is refused as %s, without repeating it', (remote) => {
    const reading = () => gitHubRepositoryOf(remote, 'github.com');
    expect(reading).toThrow(ForgeRefusal);
    expect(reading).toThrow('The remote is no repository of github.com. Set origin to https://github.com/<owner>/<name>.git');
  });
});
