import { StoreFull, StoreUnavailable } from '../../domain/event-store.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that tell what to do. */
const CODE = { busy: 5, locked: 6, ioError: 10, full: 13, cantOpen: 14, protocol: 15, notADatabase: 26 } as const;

const primaryCode = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;

/** Someone else holds the lock that is needed; nothing was done. */
export const isBusy = (error: unknown): boolean => {
  const code = primaryCode(error);
  return code === CODE.busy || code === CODE.locked;
};

/** The file is no SQLite file at all. */
export const isForeign = (error: unknown): boolean => primaryCode(error) === CODE.notADatabase;

/** What SQLite threw, as an error of the port. What is neither full nor unavailable is a bug and comes back as it was. */
export const storeError = (error: unknown): unknown => {
  switch (primaryCode(error)) {
    case CODE.full:
      return new StoreFull(
        'The disk under the event log is full and nothing was written. Free some space; then it goes on by itself.',
        {
          cause: error,
        },
      );
    case CODE.busy:
    case CODE.locked:
    case CODE.protocol:
      return new StoreUnavailable('Another process keeps the event log busy. Send the same again.', { cause: error });
    case CODE.ioError:
    case CODE.cantOpen:
      return new StoreUnavailable('The disk under the event log does not answer. Check it, then send the same again.', {
        cause: error,
      });
    default:
      return error;
  }
};

export const storeClosed = (): StoreUnavailable =>
  new StoreUnavailable('The event store is closed. Send the same again after the restart.');
