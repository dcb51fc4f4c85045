import { isIP } from 'node:net';
import { isAbsolute, resolve } from 'node:path';

/** The `origin` of a snapshot, taken apart. */
export interface Remote {
  /** What git is given: without a password. */
  readonly url: string;
  /** Without any user information: shown, stored, approved. */
  readonly shown: string;
  readonly protocol: 'https' | 'http' | 'ssh' | 'file';
  /** Host and port; empty for `file`. */
  readonly host: string;
  /** What stood in the URL in front of the host. It reaches git by askpass, never by the command line. */
  readonly user: string;
  readonly password: string;
}

/** The URL cannot be used. The sentence does not repeat it, for it may hold a password. */
export class RemoteRefused extends Error {
  override readonly name = 'RemoteRefused';
}

const isLoopback = (hostname: string): boolean => {
  const host = hostname.replaceAll(/^\[|\]$/g, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
};

/** `user@host:path`, as ssh takes it. The host cannot be read as an option, the path not as a transport. */
const SCP_LIKE = /^(?:([A-Za-z0-9._~-]+)@)?([A-Za-z0-9_][A-Za-z0-9._-]*):(?!:)(?!\/\/)(.+)$/;

const fileRemote = (path: string, shown: string): Remote => ({
  url: path,
  shown,
  protocol: 'file',
  host: '',
  user: '',
  password: '',
});

/** User information as it was meant. Throws `RemoteRefused`. */
const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RemoteRefused('The login in the URL of the remote cannot be read; a percent sign in it is written %25.');
  }
};

const byUrl = (text: string): Remote => {
  const url = URL.parse(text);
  if (url === null) throw new RemoteRefused('The URL of the remote cannot be read.');
  const { username, password, host, hostname } = url;
  if (url.protocol === 'file:') return fileRemote(text, text);
  if (hostname === '' || hostname.startsWith('-')) throw new RemoteRefused('The URL of the remote names no host.');
  const plain = new URL(text);
  plain.username = '';
  plain.password = '';
  if (url.protocol === 'ssh:') {
    const withUser = new URL(plain);
    withUser.username = username;
    return { url: withUser.href, shown: plain.href, protocol: 'ssh', host, user: username, password: '' };
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(hostname)))
    throw new RemoteRefused('The remote must be reached by https, ssh or a file path (http only on this machine).');
  return {
    url: plain.href,
    shown: plain.href,
    protocol: url.protocol === 'https:' ? 'https' : 'http',
    host,
    user: decoded(username),
    password: decoded(password),
  };
};

/** Takes the URL of a remote apart; a relative path counts from `folder`. Throws `RemoteRefused`. */
export const parseRemote = (text: string, folder: string): Remote => {
  if (text === '' || text.startsWith('-') || /[\0-\x20\x7f]/.test(text) || /^[A-Za-z0-9+.-]+::/.test(text))
    throw new RemoteRefused('The URL of the remote is not a plain https, ssh or file URL.');
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return byUrl(text);
  const scp = isAbsolute(text) || text.startsWith('.') ? null : SCP_LIKE.exec(text);
  if (scp === null)
    return fileRemote(isAbsolute(text) ? text : resolve(folder, text), isAbsolute(text) ? text : resolve(folder, text));
  const [, user = '', host = '', path = ''] = scp;
  return { url: text, shown: `ssh://${host}/${path.replace(/^\//, '')}`, protocol: 'ssh', host, user, password: '' };
};
