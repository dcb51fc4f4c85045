import { z } from '@hono/zod-openapi';
import { ConflictError } from '../../commands/dispatch.ts';
import { outsideFailure } from '../../commands/ports/repositories.ts';
import { StoreDenied, StoreFull, StoreUnavailable } from '../../domain/event-store.ts';
import { CALL_ERROR_CODES, type CallErrorCode, DomainError } from '../../domain/refusals.ts';
import { count } from '../../projections/words.ts';
import { InvalidCursor } from '../views/listing.ts';

/** RFC 9457, with the two fields that older clients read: `error` and `error_code`. */
export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string().openapi({ description: 'What is wrong and what to do next.' }),
    error: z.string().openapi({ description: 'The same sentence.' }),
    error_code: z.enum(CALL_ERROR_CODES),
    fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');
type Problem = z.infer<typeof Problem>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  408: 'Request timeout',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  429: 'Too many requests',
  431: 'Header fields too large',
  500: 'Internal error',
  503: 'Unavailable',
};

/** Most faulty fields that an answer names. */
const FIELDS_MAX = 20;

/** When to come back after a refusal, in seconds. */
const RETRY_AFTER_SECONDS: Readonly<Record<number, string>> = { 429: '30', 503: '1' };

export interface Answer {
  readonly status: number;
  readonly code: CallErrorCode;
  readonly sentence: string;
  readonly fields?: Problem['fields'];
}

/** Something about the call itself, before any command: the sentence says what to send instead. */
export class BadCall extends Error {
  override readonly name = 'BadCall';
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 503;
  readonly code: CallErrorCode;
  constructor(status: BadCall['status'], code: CallErrorCode, sentence: string) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

const oneOf = (values: readonly unknown[]): string => `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;

const bounded = (origin: string, least: 'at least' | 'at most', bound: number): string => {
  if (origin === 'string') return `must have ${least} ${count(bound, 'character')}`;
  return origin === 'array' ? `must hold ${least} ${count(bound, 'item')}` : `must be ${least} ${bound}`;
};

/** What a schema has no words of its own for, as it follows the name of a field. Nothing that was sent is said back. */
export const faultInWords: z.core.$ZodErrorMap = (issue): string | undefined => {
  if (issue.code === 'invalid_type') return issue.input === undefined ? 'is missing' : `must be of type ${issue.expected}`;
  if (issue.code === 'invalid_value') return oneOf(issue.values);
  if (issue.code === 'invalid_union' && Array.isArray(issue.options)) return oneOf(issue.options);
  if (issue.code === 'too_small') return bounded(issue.origin, 'at least', Number(issue.minimum));
  if (issue.code === 'too_big') return bounded(issue.origin, 'at most', Number(issue.maximum));
  return undefined;
};

/** Every path and message is of our own making: a name nobody knows is not said back. */
const fieldsOf = ({ issues }: z.ZodError): Problem['fields'] =>
  issues.slice(0, FIELDS_MAX).map(({ code, path, message }) => ({
    path: path.map(String).join('.'),
    message: code === 'unrecognized_keys' ? 'holds a field that this call does not know; /openapi.json lists them' : message,
  }));

/** Heard by nobody, but no fault of ours. */
const BROKEN_OFF: Answer = { status: 400, code: 'VALIDATION_ERROR', sentence: 'The request broke off. Send it again.' };

const FAULT: Answer = {
  status: 500,
  code: 'UNAVAILABLE',
  sentence: 'The service met a fault of its own; its log says more. Nothing was lost.',
};

/** What a caller is told; `undefined` for a fault of ours. */
const answerOf = (error: unknown): Answer | undefined => {
  if (error instanceof DomainError)
    return { status: error.refusal.status, code: error.refusal.errorCode, sentence: error.message };
  if (error instanceof BadCall) return { status: error.status, code: error.code, sentence: error.message };
  if (error instanceof z.ZodError) {
    const sentence = 'The request is not of the expected form; "fields" says where.';
    return { status: 400, code: 'VALIDATION_ERROR', sentence, fields: fieldsOf(error) };
  }
  if (error instanceof InvalidCursor) return { status: 400, code: 'VALIDATION_ERROR', sentence: error.message };
  const isKnown = error instanceof StoreFull || error instanceof StoreDenied || error instanceof ConflictError;
  const notNow = isKnown ? error : outsideFailure(error);
  if (notNow) return { status: 503, code: 'UNAVAILABLE', sentence: notNow.message };
  if (error instanceof StoreUnavailable) {
    const sentence = 'The event store does not answer. Send the same request again, with the same Idempotency-Key.';
    return { status: 503, code: 'UNAVAILABLE', sentence };
  }
  if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') return BROKEN_OFF;
  return undefined;
};

export const PROBLEM_TYPE = 'application/problem+json; charset=UTF-8';

export const problemText = ({ status, code, sentence, fields }: Answer): string =>
  JSON.stringify({
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    detail: sentence,
    error: sentence,
    error_code: code,
    ...(fields && { fields }),
  } satisfies Problem);

/** Every error becomes a problem document; `onFault` hears of those that are ours. */
export const problemOf = (error: unknown, onFault: (error: unknown) => void): Response => {
  const known = answerOf(error);
  if (!known) onFault(error);
  const answer = known ?? FAULT;
  const retryAfter = RETRY_AFTER_SECONDS[answer.status];
  return new Response(problemText(answer), {
    status: answer.status,
    headers: {
      'content-type': PROBLEM_TYPE,
      ...(answer.status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    },
  });
};
