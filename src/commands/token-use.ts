import { derivedId } from '../domain/ids.ts';
import type { PersonCommand } from '../domain/person/commands.ts';
import type { Person } from '../domain/person/index.ts';
import type { Dispatch } from './dispatch.ts';

/** Most tokens whose last day is remembered; beyond that all are asked for again, and their streams know. */
const TOKENS_MAX = 10_000;

/**
 * Records on which days a token is used. Nobody waits for it, and it is tried once a day for each token: what fails is told to `onFault`, and
 * that day is missing.
 */
export const createTokenUse = (dispatch: Dispatch, onFault: (error: unknown) => void) => {
  const lastDays = new Map<string, string>();

  /** `now` in ISO 8601, UTC. */
  return ({ personId, tokens }: Person, tokenHash: string, now: string): void => {
    const token = tokens.find((issued) => issued.tokenHash === tokenHash);
    const day = now.slice(0, 'yyyy-mm-dd'.length);
    if (!token || lastDays.get(token.tokenId) === day) return;
    if (lastDays.size >= TOKENS_MAX) lastDays.clear();
    lastDays.set(token.tokenId, day);
    const { tokenId, lastUsedOn } = token;
    if (lastUsedOn === day) return;
    const command: PersonCommand = { type: 'RecordTokenUse', data: { personId, tokenId, day } };
    const id = derivedId('token-used', tokenId, day);
    dispatch({ id, ...command, actor: 'system:tokens', channel: 'system', at: now }).catch(onFault);
  };
};

export type TokenUse = ReturnType<typeof createTokenUse>;
