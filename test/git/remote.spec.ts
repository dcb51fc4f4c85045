import { describe, expect, it } from 'vitest';
import { parseRemote, RemoteRefused } from '../../src/infra/git/remote.ts';

describe('The URL of a remote', () => {
  it('is shown and handed to git without its login', () => {
    expect(parseRemote('https://ada:pa%40ss@git.example/acme/widgets.git', '/')).toEqual({
      url: 'https://git.example/acme/widgets.git',
      shown: 'https://git.example/acme/widgets.git',
      protocol: 'https',
      host: 'git.example',
      user: 'ada',
      password: 'pa@ss',
    });
    expect(parseRemote('ssh://git@git.example:2222/acme/widgets', '/')).toMatchObject({
      url: 'ssh://git@git.example:2222/acme/widgets',
      shown: 'ssh://git.example:2222/acme/widgets',
    });
    expect(parseRemote('git@git.example:acme/widgets.git', '/')).toMatchObject({
      url: 'git@git.example:acme/widgets.git',
      shown: 'ssh://git.example/acme/widgets.git',
      protocol: 'ssh',
    });
  });

  it('may be a file path, absolute or from the snapshot on', () => {
    expect(parseRemote('/srv/a.git', '/x')).toMatchObject({ url: '/srv/a.git', protocol: 'file' });
    expect(parseRemote('../b.git', '/x/y')).toMatchObject({ url: '/x/b.git', protocol: 'file' });
    expect(parseRemote('file:///srv/a.git', '/x')).toMatchObject({ url: 'file:///srv/a.git', protocol: 'file' });
  });

  it.each(['http://127.0.0.1:80/a', 'http://localhost/a', 'http://[::1]:1/a', 'http://git.localhost/a'])(
    'may be plain http on this machine: %s',
    (url) => {
      expect(parseRemote(url, '/').protocol).toBe('http');
    },
  );

  it.each([
    'http://git.example/a',
    'http://127.0.0.1.evil.example/a',
    'git://git.example/a',
    'ftp://git.example/a',
    'ext::sh -c id',
    'ext::sh',
    'fd::17',
    '--upload-pack=id',
    '-oProxyCommand=id',
    'ssh://-oProxyCommand=id/a',
    'https://git.example/a\n--upload-pack=id',
    'a b',
    '',
    'javascript://x',
    'https://%ff@git.example/a',
    'https://ada:100%@git.example/a',
  ])('is refused, without being repeated: %j', (url) => {
    try {
      parseRemote(url, '/');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RemoteRefused);
      if (url.length > 3) expect(`${error}`).not.toContain(url);
    }
  });
});
