import type { LookupAddress } from 'node:dns';
import { lookup as askSystem, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { type Destination, type EgressRule, isPublicAddress, judgeDestination } from './egress-rules.ts';

export interface EgressRecord {
  /** `host:port`, as asked for. */
  readonly host: string;
  readonly allowed: boolean;
}

/** Finds the addresses of a name; empty or an error when there are none. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** For whom a gate decides, in the words of a refusal. */
export interface EgressParty {
  /** Such as `this agent`. */
  readonly who: string;
  /** The variable in which the operator can allow more. */
  readonly variable: string;
}

/** What stands between an agent and one destination. */
export interface Passage {
  /** Resolves names here, so that the address that was judged is the one that is used. */
  readonly lookup: LookupFunction;
  /** What the agent is told when the connection failed before it stood. */
  failure(error: Error): { readonly status: 403 | 502; readonly text: string };
}

export interface EgressGate {
  /** `null`: refused and recorded so. */
  open(destination: Destination): Passage | null;
  /** What is answered to whom may not reach it. */
  refusalOf(destination: string): string;
  asked(): readonly EgressRecord[];
  /** Whether a host that is allowed could not be reached. */
  hasFailed(): boolean;
}

const EGRESS_RECORDS_MAX = 100;
const RESOLVE_TIMEOUT_MS = 5_000;
const RESOLVE_TRIES = 2;

const UNREACHABLE = 'Countersign: the host is allowed but could not be reached.\n';

const AGENT: EgressParty = { who: 'this agent', variable: 'AGENT_EGRESS' };

class PrivateAddress extends Error {}

/**
 * Asks the name servers directly: the system's own look-up occupies a thread of the service each, and an agent may ask for any number of
 * names below a suffix.
 */
const askNameServers: Resolve = async (host) => {
  const resolver = new Resolver({ timeout: RESOLVE_TIMEOUT_MS, tries: RESOLVE_TRIES });
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ];
};

/** Names the operator wrote may stand in `/etc/hosts`; each is asked for once at a time. */
const askSystemOnce = (): Resolve => {
  const underWay = new Map<string, Promise<readonly LookupAddress[]>>();
  return (host) => {
    const answer = underWay.get(host) ?? askSystem(host, { all: true }).finally(() => underWay.delete(host));
    underWay.set(host, answer);
    return answer;
  };
};

/** Decides and records for one run. `resolve` replaces the name servers, for tests. */
export const createEgressGate = (
  rules: readonly EgressRule[],
  resolve: Resolve = askNameServers,
  { who, variable }: EgressParty = AGENT,
): EgressGate => {
  const records = new Map<string, EgressRecord>();
  let failed = false;
  const refusalOf = (destination: string): string =>
    `Countersign: ${who} may not reach ${destination}. The operator can allow it in ${variable}.\n`;
  const resolveListed = askSystemOnce();

  const record = (host: string, allowed: boolean): void => {
    const key = `${allowed} ${host}`;
    if (records.size < EGRESS_RECORDS_MAX && !records.has(key)) records.set(key, { host, allowed });
  };
  const usableAddresses = async (host: string, listed: boolean): Promise<readonly LookupAddress[]> => {
    if (listed) return resolveListed(host);
    const found = await resolve(host);
    const usable = found.filter(({ address }) => isPublicAddress(address));
    if (found.length > 0 && usable.length === 0) throw new PrivateAddress();
    return usable;
  };
  const lookupFor =
    (listed: boolean): LookupFunction =>
    (host, options, done) => {
      usableAddresses(host, listed).then(
        (addresses) => {
          const [first] = addresses;
          if (first === undefined) done(new Error('no address'), '');
          else if (options.all === true) done(null, [...addresses]);
          else done(null, first.address, first.family);
        },
        (error) => done(error, ''),
      );
    };

  return {
    open: (destination) => {
      const verdict = judgeDestination(rules, destination);
      const name = `${isIP(destination.host) === 6 ? `[${destination.host}]` : destination.host}:${destination.port}`;
      record(name, verdict !== 'refused');
      if (verdict === 'refused') return null;
      return {
        lookup: lookupFor(verdict === 'listed'),
        failure: (error) => {
          if (!(error instanceof PrivateAddress)) {
            failed = true;
            return { status: 502, text: UNREACHABLE };
          }
          records.delete(`true ${name}`);
          record(name, false);
          return { status: 403, text: refusalOf(name) };
        },
      };
    },
    refusalOf,
    asked: () => [...records.values()],
    hasFailed: () => failed,
  };
};
