import type { z } from '@hono/zod-openapi';
import { Problem } from './problem.ts';

/** A JSON body that must be there. */
export const json = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema } },
});

export const answers = <Schema extends z.ZodType>(schema: Schema) => ({
  description: 'The answer.',
  content: { 'application/json': { schema } },
});

const refusal = (description: string) => ({ description, content: { 'application/problem+json': { schema: Problem } } });

/** What every call can be refused with; `error_code` tells the cases apart. */
export const refusals = {
  400: refusal('The request is not of the expected form.'),
  401: refusal('There is no valid token.'),
  403: refusal('The caller may not do this here.'),
  404: refusal('There is no such thing, or the caller may not read it.'),
  409: refusal('It does not fit the state of the task.'),
  422: refusal('The idempotency key was used for another request.'),
  429: refusal('Too much at once; "Retry-After" says when to come back.'),
  503: refusal('Not now; the same request may be sent again.'),
} as const;

/**
 * JSON that a view rendered when the thing changed. `never`, because the type of the route cannot look into a text; the tests hold the answers
 * against the schemas.
 */
export const rendered = (text: string, status: number): never =>
  new Response(text, { status, headers: { 'content-type': 'application/json; charset=UTF-8' } }) as never;
