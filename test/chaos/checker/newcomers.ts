import type { Newcomer } from '../newcomers.ts';
import type { Logged } from './records.ts';

/** What is stored of somebody who comes and goes, once each, though calls are made again until they are answered. */
const ONCE = { PersonAdded: 1, RoleGranted: 1, RoleRevoked: 1, IdentityLinked: 2, IdentityUnlinked: 2 };
const ERASED = { PersonErased: 1, PersonForgotten: 1 };

/** Everybody who came was made known once, got and lost each thing once, and is not named any more where they were erased. */
export const brokenNewcomers = (newcomers: readonly Newcomer[], log: readonly Logged[]): readonly string[] => {
  const whole = newcomers.length > 0 ? log.map(({ data }) => JSON.stringify(data)) : [];
  return newcomers.flatMap(({ name, group, isErased, isOver, broken, personId }) => {
    if (!isOver()) return [`${name}: did not come and go: ${broken()}`];
    const person = log.filter(({ stream }) => stream === personId());
    const allowed = log.find(({ type }, at) => type === 'ChatAllowed' && whole[at]?.includes(`"${group}"`))?.stream;
    const chat = log.filter(({ stream }) => stream === allowed);
    const times = (type: string): number => [...person, ...chat].filter((event) => event.type === type).length;
    // Whoever is not heard in time is sent another code, and may use both.
    const codes = new Set(person.filter(({ type }) => type === 'InvitationRedeemed').map(({ data }) => data.invitationId));
    const expected = {
      InvitationRedeemed: Math.max(1, codes.size),
      ...{ ...ONCE, ChatAllowed: 1, ChatForbidden: 1, TokenRevoked: Math.max(1, times('TokenIssued')) },
      ...(isErased && ERASED),
    };
    const named = whole.filter((data) => data.includes(name)).length;
    return [
      ...Object.entries(expected).flatMap(([type, wanted]) =>
        times(type) === wanted ? [] : [`${name}: ${type} ${times(type)} times instead of ${wanted}`],
      ),
      ...(named === (isErased ? 0 : 1) ? [] : [`${name}: is named by ${named} events`]),
    ];
  });
};
