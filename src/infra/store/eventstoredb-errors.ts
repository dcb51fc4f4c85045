import { EventTooLarge, StoreDenied, StoreUnavailable, WrongExpectedRevision } from '../../domain/event-store.ts';

/** gRPC status codes that are an answer and not an outage (https://grpc.io/docs/guides/status-codes/). */
const REFUSALS = new Set([
  3 /* INVALID_ARGUMENT */, 7 /* PERMISSION_DENIED */, 9 /* FAILED_PRECONDITION */, 16 /* UNAUTHENTICATED */,
]);

/** What the successor's reads, which do not come from gRPC, say of an outage; `unknown` is a server that starts. */
const OUTAGES: ReadonlySet<unknown> = new Set(['unavailable', 'deadline-exceeded', 'timeout', 'cancelled', 'unknown']);

const field = (error: Error, name: 'code' | 'type'): unknown => (name in error ? Reflect.get(error, name) : undefined);

const typeOf = (error: unknown): unknown => (error instanceof Error ? field(error, 'type') : undefined);

/** Nobody wrote it, or an administrator deleted it for good. */
export const isMissingStream = (error: unknown): boolean =>
  ['stream-not-found', 'stream-deleted'].includes(String(typeOf(error)));

export const isNotLeader = (error: unknown): boolean => typeOf(error) === 'not-leader';

const unavailable = (cause: unknown): StoreUnavailable =>
  new StoreUnavailable('The event store does not answer. It is asked again by itself; send the same again.', { cause });

/**
 * What a client threw, as an error of the port. Errors are told apart by `type` and `code`, not by class: while the server is down the client
 * throws plain errors of gRPC. Whatever is no clear refusal leaves the outcome open. What came from neither gRPC nor a client is a bug and comes back as it was.
 */
export const storeError = (error: unknown, stream = 'the log'): unknown => {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
  switch (field(error, 'type')) {
    case 'wrong-expected-version':
      return new WrongExpectedRevision(stream, { cause: error });
    case 'maximum-append-size-exceeded':
      return new EventTooLarge('The event store takes no append that large. Keep large texts as artifacts.', { cause: error });
    case 'access-denied':
      return new StoreDenied(
        'The event store refuses this user. It has to write streams and to read $all: an administrator, or an ACL on $all.',
        { cause: error },
      );
    case 'not-leader':
      return unavailable(error);
  }
  const code = field(error, 'code');
  if (typeof code === 'number') return REFUSALS.has(code) ? error : unavailable(error);
  if (OUTAGES.has(field(error, 'type'))) return unavailable(error);
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || error.message.startsWith('Failed to discover') ? unavailable(error) : error;
};

export const storeClosed = (): StoreUnavailable =>
  new StoreUnavailable('The event store is closed. Send the same again after the restart.');

export const storeSilent = (): StoreUnavailable =>
  new StoreUnavailable('The event store has stopped answering. It is asked again by itself; send the same again.');
