import { BlockList, isIP } from 'node:net';

/** One line of an allow-list. */
export interface EgressRule {
  readonly host: string;
  /** `*.suffix`: any name below it, not the suffix itself. */
  readonly below: boolean;
  readonly port: number;
  readonly portWritten: boolean;
  /** Only the operator may name private or literal addresses. */
  readonly by: 'operator' | 'profile';
}

export interface Destination {
  readonly host: string;
  readonly port: number;
  /** `http` for a plain request through the proxy, `connect` for a tunnel. */
  readonly way: 'http' | 'connect';
}

const TLS_PORT = 443;
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*$/;

/** Splits `host:port` and `[v6]:port`; lower case, no final dot. `null` when it is neither. */
export const splitAuthority = (authority: string): { host: string; port: number | null } | null => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(authority.toLowerCase());
  if (match === null) return null;
  const host = (match[1] ?? match[2] ?? '').replace(/\.$/, '');
  const port = match[3] === undefined ? null : Number(match[3]);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  if (match[1] !== undefined ? isIP(host) !== 6 : isIP(host) !== 4 && !NAME.test(host)) return null;
  return { host, port };
};

/** Throws with a sentence when the line is none of `host`, `host:port`, `*.suffix`, `*.suffix:port`. */
export const parseEgressRule = (line: string, by: EgressRule['by']): EgressRule => {
  const below = line.startsWith('*.');
  const parts = splitAuthority(below ? line.slice(2) : line);
  if (parts === null || (below && isIP(parts.host) !== 0)) {
    throw new Error(`Write a host an agent may reach as name, name:port, *.suffix or *.suffix:port; "${line}" is none of these.`);
  }
  return { host: parts.host, below, port: parts.port ?? TLS_PORT, portWritten: parts.port !== null, by };
};

const covers = (rule: EgressRule, { host, port, way }: Destination): boolean =>
  rule.port === port &&
  (way === 'connect' || rule.portWritten) &&
  (rule.below ? host.endsWith(`.${rule.host}`) : host === rule.host);

/** `public`: only when its name leads to public addresses. `listed`: the operator named exactly this, wherever it leads. */
export const judgeDestination = (rules: readonly EgressRule[], destination: Destination): 'listed' | 'public' | 'refused' => {
  const matching = rules.filter((rule) => covers(rule, destination));
  if (matching.some((rule) => rule.by === 'operator' && rule.portWritten && !rule.below)) return 'listed';
  return matching.length > 0 && isIP(destination.host) === 0 ? 'public' : 'refused';
};

const reserved = new BlockList();
for (const range of [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24',
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
].flatMap((line) => line.split(' '))) {
  const [network = '', bits] = range.split('/');
  reserved.addSubnet(network, Number(bits), 'ipv4');
}
/** Inside 2000::/3, the only range of IPv6 that is routed: documentation, Teredo and 6to4 (which wraps any IPv4 address). */
for (const [network, bits] of [
  ['2001:db8::', 32],
  ['2001::', 32],
  ['2002::', 16],
] as const) {
  reserved.addSubnet(network, bits, 'ipv6');
}
const routed = new BlockList();
routed.addSubnet('2000::', 3, 'ipv6');

/** Whether an address that a name led to is one of the public internet. */
export const isPublicAddress = (address: string): boolean => {
  if (isIP(address) === 4) return !reserved.check(address, 'ipv4');
  return routed.check(address, 'ipv6') && !reserved.check(address, 'ipv6');
};
