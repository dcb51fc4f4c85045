import type { EventData, Filter, JSONType } from '@eventstore/db-client';

/** The part of `@eventstore/db-client` and of its successor `@kurrent/kurrentdb-client` that is used here. */
export interface ClientModule {
  readonly EventStoreDBClient?: ClientClass;
  /** The successor's name of the class. */
  readonly KurrentDBClient?: ClientClass;
  jsonEvent(event: { id: string; type: string; data: JSONType; metadata: Readonly<Record<string, string>> }): EventData;
  streamNameFilter(filter: { regex: string; checkpointInterval: number }): Filter;
}

interface ClientClass {
  connectionString(url: string): Client;
}

export interface ClientPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

export interface ClientRecord {
  readonly id: string;
  readonly streamId: string;
  readonly revision: bigint;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
  readonly position?: ClientPosition | undefined;
}

/** A read of the successor: its iterator cannot be cancelled, only let go of. */
export type ClientRecords = AsyncIterable<{ readonly event?: ClientRecord }>;

/** What is used of the client's object streams. */
export interface ClientStream {
  readonly readableLength: number;
  read(): { readonly event?: ClientRecord } | null;
  resume(): unknown;
  on(event: 'readable' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeAllListeners(event: 'readable'): unknown;
  /** Of a read. */
  cancel?(): Promise<void>;
  /** Of a subscription. */
  unsubscribe?(): Promise<void>;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

interface AppendOptions {
  readonly expectedRevision: bigint | 'no_stream' | 'any';
  readonly streamState: bigint | 'no_stream' | 'any';
  readonly credentials: Credentials;
  /** Milliseconds from now. */
  readonly deadline: number;
}

export interface Client {
  appendToStream(
    stream: string,
    events: EventData[],
    options: AppendOptions,
  ): Promise<{ readonly success: boolean; readonly nextExpectedRevision: bigint; readonly position?: ClientPosition }>;
  setStreamMetadata(stream: string, metadata: { maxCount: number }, options: AppendOptions): Promise<unknown>;
  readStream(
    stream: string,
    options: { fromRevision: bigint | 'start' | 'end'; direction: 'forwards' | 'backwards'; maxCount: number },
  ): ClientStream | ClientRecords;
  readAll(options: {
    fromPosition: ClientPosition | 'start' | 'end';
    direction: 'forwards' | 'backwards';
    maxCount: number;
  }): ClientStream | ClientRecords;
  subscribeToAll(
    options: { fromPosition: ClientPosition | 'start'; filter: Filter },
    readable: { highWaterMark: number },
  ): ClientStream;
  dispose(): Promise<void>;
}

const UNREADABLE =
  'EVENTSTORE_URL cannot be read. It looks like esdb://user:password@host:2113, or kurrentdb://127.0.0.1:2113?tls=false; a percent sign in a password is written %25.';

/** A client connects when it is first used. Throws an `Error` that says what to do when the connection string cannot be read. */
export const connect = (module: ClientModule, url: string): Client => {
  const Class = module.KurrentDBClient ?? module.EventStoreDBClient;
  if (!Class) throw new TypeError('neither EventStoreDB nor KurrentDB client');
  try {
    return Class.connectionString(url);
  } catch {
    // The client's own message repeats the string, and with it the password.
    throw new Error(UNREADABLE);
  }
};

const userOf = (url: string): Credentials | undefined => {
  const [, username, password] = /^[^:]+:\/\/([^:@/]+):([^@/]+)@/.exec(url) ?? [];
  if (!username || !password) return undefined;
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    throw new Error(UNREADABLE);
  }
};

const isInsecure = (url: string): boolean => /[?&]tls=false\b/i.test(url);

/**
 * Credentials for each append: naming them makes the client use one call an append, so that errors stay with their caller and deadlines are
 * heeded (docs/architecture.md, "The event store"). A server without TLS never gets to see them, so any will do. Throws an `Error` that says
 * what to do when a secured server is named without a user, or with one that cannot be read.
 */
export const credentialsOf = (url: string): Credentials => {
  const user = userOf(url);
  if (user) return user;
  if (isInsecure(url)) return { username: 'nobody', password: 'nothing' };
  throw new Error(
    'EVENTSTORE_URL names no user. Reading the whole log needs one with that right: esdb://user:password@host:2113.',
  );
};
