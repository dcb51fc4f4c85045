import { z } from 'zod';
import { type Digest, sha256 } from '../canonical.ts';

/** Where a person can have an account that is linked to them. */
export const AccountChannel = z.enum(['telegram']);
export type AccountChannel = z.infer<typeof AccountChannel>;

/** A Telegram user id: numbers stay with an account for ever, names can be taken over by others. */
export const AccountSubject = z.string().regex(/^[1-9]\d{0,18}$/, { error: 'must be the number of an account, not its name' });

/** Crockford's base 32: no I, L, O or U, so that nothing can be misread. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUP_CHARACTERS = 4;

/** 12 characters of 5 bits, so 60 bits. */
export const INVITATION_CODE_BYTES = 12;

/** `random` holds `INVITATION_CODE_BYTES` random bytes, of which 5 bits each count. Groups can be read out and typed on a phone. */
export const invitationCode = (random: Uint8Array): string =>
  Array.from(random, (byte, index) => `${index > 0 && index % GROUP_CHARACTERS === 0 ? '-' : ''}${ALPHABET[byte % 32]}`).join('');

/** What is stored of a code. Case, spaces and dashes do not matter, nor do letters that look like a digit; `undefined` for what is no code. */
export const invitationCodeHash = (typed: string): Digest | undefined => {
  const code = typed.slice(0, 64).toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return new RegExp(`^[${ALPHABET}]{${INVITATION_CODE_BYTES}}$`).test(code) ? sha256(code) : undefined;
};
