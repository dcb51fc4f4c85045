import { ZodError } from 'zod';
import { ConflictError } from '../../commands/dispatch.ts';
import { StoreUnavailable } from '../../domain/event-store.ts';
import { INTENT_CHARACTERS_MAX } from '../../domain/limits.ts';
import { DomainError, REFUSALS, type RefusalCode } from '../../domain/refusals.ts';
import { InvalidCursor } from '../views/listing.ts';

/** Refusals that say what to do on another surface, in the words of a chat. */
const IN_A_CHAT: Partial<Readonly<Record<RefusalCode, string>>> = {
  'task-not-found': 'There is no such task. /tasks lists those you may see.',
  'person-not-found': 'There is no such person here.',
  'repository-missing': 'Name a repository, for there is no default one here: /task repo=org/name and then what to change.',
  'approval-digest-required': 'An approval names what was read: press the button under the card, or type the digits it shows.',
  'request-changed': 'What you read is not what would run now. Read the newer card.',
  'nothing-to-clarify-with': 'Say what to change: /clarify, the task, then repo= base= agent= test= or words.',
  'task-is-over': 'The task is over. /rerun starts another attempt.',
  'approval-expired': 'The time to approve this is over. /rerun asks again.',
  'token-not-found': 'There is no such token.',
  'person-erased': 'This person was erased. An admin can make them known again.',
  'identity-taken': 'This account is somebody else here already. An admin can end that.',
  'identity-not-found': 'This account is not linked to the person.',
  'chat-not-found': 'There is no such chat here.',
  unauthorized: 'You are not known here any more. An admin can let you in again.',
  'key-used-for-another-request': 'This was said before in other words. Write it again.',
};

export const refusalInAChat = (code: RefusalCode): string => IN_A_CHAT[code] ?? REFUSALS[code].sentence;

/** The same message will go through later: nothing is wrong with it. */
export const isNotNow = (error: unknown): boolean =>
  error instanceof StoreUnavailable ||
  error instanceof ConflictError ||
  (error instanceof DomainError && error.code === 'views-behind');

const fieldWords = ({ issues }: ZodError): string => {
  const [issue] = issues;
  const field = String(issue?.path[0] ?? '');
  if (issue?.code === 'too_big') {
    return field === 'intent' || field === 'text' || field === 'feedback'
      ? `That is too long: at most ${INTENT_CHARACTERS_MAX} characters.`
      : 'That is too long. Say it in fewer words.';
  }
  if (issue?.code === 'too_small') return 'There are no words in it. Say what you mean.';
  const name = field === 'testCommand' ? 'test=' : field === 'approvalDigest' ? 'the digest' : `${field}=`;
  return `${name} ${issue?.message ?? 'is not understood'}.`;
};

/** What whoever asked is told, with what to do; `undefined` for a fault of ours and for what is only not possible now. */
export const sentenceOf = (error: unknown): string | undefined => {
  if (isNotNow(error)) return undefined;
  if (error instanceof DomainError) return refusalInAChat(error.code);
  if (error instanceof ZodError) return fieldWords(error);
  if (error instanceof InvalidCursor) return 'This page is gone. /tasks begins anew.';
  return undefined;
};
