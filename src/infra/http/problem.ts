import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { ConflictError } from '../../commands/dispatch.ts';
import { StoreFull, StoreUnavailable } from '../../domain/event-store.ts';
import { type CallErrorCode, DomainError } from '../../domain/refusals.ts';
import { InvalidCursor } from '../views/queries.ts';

/** RFC 9457, with the two fields that older clients read: `error` and `error_code`. */
export const Problem = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    error: z.string(),
    error_code: z.string(),
    fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
};

/** Most faulty fields that an answer names. */
const FIELDS_MAX = 20;

interface Answer {
  readonly status: number;
  readonly code: CallErrorCode;
  readonly sentence: string;
  readonly fields?: readonly { readonly path: string; readonly message: string }[];
}

/** Something about the call itself, before any command: the sentence says what to send instead. */
export class BadCall extends Error {
  override readonly name = 'BadCall';
  readonly status: 400 | 404 | 413 | 415 | 429 | 503;
  readonly code: CallErrorCode;
  constructor(status: BadCall['status'], code: CallErrorCode, sentence: string) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

const fieldsOf = (error: z.ZodError) =>
  error.issues.slice(0, FIELDS_MAX).map(({ path, message }) => ({ path: path.map(String).join('.').slice(0, 200), message }));

/** What a caller is told; `undefined` for a fault of ours. */
const answerOf = (error: unknown): Answer | undefined => {
  if (error instanceof DomainError)
    return { status: error.refusal.status, code: error.refusal.errorCode, sentence: error.message };
  if (error instanceof BadCall) return { status: error.status, code: error.code, sentence: error.message };
  if (error instanceof z.ZodError) {
    return {
      status: 400,
      code: 'VALIDATION_ERROR',
      sentence: 'The request is not of the expected form; "fields" says where.',
      fields: fieldsOf(error),
    };
  }
  if (error instanceof InvalidCursor) return { status: 400, code: 'VALIDATION_ERROR', sentence: error.message };
  if (error instanceof StoreFull) return { status: 503, code: 'UNAVAILABLE', sentence: error.message };
  if (error instanceof StoreUnavailable) {
    return {
      status: 503,
      code: 'UNAVAILABLE',
      sentence: 'The event store does not answer. Send the same request again, with the same Idempotency-Key.',
    };
  }
  if (error instanceof ConflictError) return { status: 503, code: 'UNAVAILABLE', sentence: error.message };
  if (error instanceof HTTPException && error.status === 400) {
    return {
      status: 400,
      code: 'VALIDATION_ERROR',
      sentence: 'The body is not valid JSON. Send an object with "Content-Type: application/json".',
    };
  }
  return undefined;
};

const FAULT: Answer = {
  status: 500,
  code: 'UNAVAILABLE',
  sentence: 'The service met a fault of its own; its log says more. Nothing was lost.',
};

/** Every error becomes a problem document; `onFault` hears of those that are ours. */
export const problemOf = (error: unknown, context: Context, onFault: (error: unknown) => void): Response => {
  const known = answerOf(error);
  if (!known) onFault(error);
  const { status, code, sentence, fields } = known ?? FAULT;
  const body = {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    detail: sentence,
    error: sentence,
    error_code: code,
    ...(fields && { fields }),
  };
  const headers: Record<string, string> = { 'content-type': 'application/problem+json; charset=UTF-8' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 429 || status === 503) headers['retry-after'] = '1';
  return context.body(JSON.stringify(body), status as 400, headers);
};
