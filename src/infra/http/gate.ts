import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { REQUEST_BODY_BYTES_MAX } from '../../domain/limits.ts';
import { BadCall } from './problem.ts';

const tooLarge = (): never => {
  throw new BadCall(413, 'VALIDATION_ERROR', `The body is over ${REQUEST_BODY_BYTES_MAX / 1024} KiB. Send less.`);
};

/** Counts what arrives, for a body that did not say how long it is. */
const limitWhileReading = bodyLimit({ maxSize: REQUEST_BODY_BYTES_MAX, onError: tooLarge });

/** Whether a browser sends this on behalf of a page of another site. Programs other than browsers send neither header. */
const isCrossSite = (context: Context): boolean => {
  const site = context.req.header('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const origin = context.req.header('origin');
  return origin !== undefined && URL.parse(origin)?.host !== context.req.header('host');
};

/**
 * Stands before everything that changes something: no page of another site, no form of a web page, nothing packed, nothing too large. Reading
 * needs none of this; a body sent along with it is never looked at.
 */
export const gate: MiddlewareHandler = async (context, next) => {
  const { method } = context.req;
  if (method === 'GET') return next();
  if (method === 'HEAD') {
    await next();
    // Nobody reads it: what it is read from is closed.
    await context.res.body?.cancel();
    return;
  }
  if (isCrossSite(context)) {
    throw new BadCall(403, 'FORBIDDEN', 'A page of another site may not make your browser act here. Send it from this one.');
  }
  const length = context.req.header('content-length');
  const isCounted = context.req.header('transfer-encoding') === undefined;
  if (method !== 'POST' && isCounted && (length ?? '0') === '0') return next();
  if (context.req.header('content-encoding') !== undefined) {
    throw new BadCall(415, 'VALIDATION_ERROR', 'Send the body as it is, without Content-Encoding.');
  }
  // A form of a web page cannot send this type.
  if (!/^application\/json(;|$)/i.test(context.req.header('content-type') ?? '')) {
    throw new BadCall(415, 'VALIDATION_ERROR', 'Send JSON with "Content-Type: application/json".');
  }
  if (!isCounted) return limitWhileReading(context, next);
  // The server reads no further than what was announced.
  if (Number(length ?? 0) > REQUEST_BODY_BYTES_MAX) tooLarge();
  return next();
};
