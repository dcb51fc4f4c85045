import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppendReq, AppendResp, ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ServerReadableStream, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { type MemoryLog, memoryLog, type Stored } from './memory-log.ts';
import { answersIn, expectedOf, failure, filterOf, gone, nameOf, notLeader, notReady, proposedOf } from './messages.ts';
import { type Flavour, loadProtocol } from './protocol.ts';

/** Most bytes of data in one append, as the server counts them. */
const APPEND_BYTES_MAX = 1024 * 1024;
const denied = failure(status.PERMISSION_DENIED, 'Access Denied', 'access-denied');

export interface Faults {
  /** Every call fails with "Server Is Not Ready". */
  notReady: boolean;
  /** Whoever asks may read, and write nothing. */
  readOnly: boolean;
  /** Whoever asks may write and read streams, but not all of them together, which is what users may by default. */
  streamsOnly: boolean;
  /** Calls are taken and never answered. */
  hung: boolean;
  /** Subscriptions stay open and give nothing more. */
  mute: boolean;
  /** Before each answer, in milliseconds. */
  delayMs: number;
  /** So many appends are stored, but the caller hears that the connection was lost. */
  acknowledgementsToLose: number;
  /** Between storing an append and saying so, in milliseconds. */
  acknowledgementDelayMs: number;
  /** This node follows: appends are refused, with the port of the one that leads. */
  leaderPort: number | null;
  /** Told of each call, or event of a subscription, that meets one of these. */
  met: (fault: Exclude<keyof Faults, 'met'>) => void;
}

/** The gRPC interface of an EventStoreDB server, as far as this project uses it, over a log in memory. Listens on loopback. */
export interface ServerDouble {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  readonly log: MemoryLog;
  /** Every subscription fails as it does when the server dies. `false`: there was none. */
  dropSubscriptions(): boolean;
  /** Open subscriptions. */
  subscribers(): number;
  /** Every call fails, and connections are refused from now on. What is stored stays. */
  stop(): Promise<void>;
  /** After `stop`, on the same port. */
  start(): Promise<void>;
}

export interface DoubleOptions {
  readonly port?: number;
  readonly flavour?: Flavour;
  /** Of another node of the same cluster. */
  readonly log?: MemoryLog;
}

export const startServerDouble = async ({
  port = 0,
  flavour = 'eventstoredb',
  log = memoryLog(),
}: DoubleOptions = {}): Promise<ServerDouble> => {
  const protocol = await loadProtocol(flavour);
  const { streams, features, featureMessages } = protocol;
  const { appended, confirmation, eventRead, streamNotFound, wrongRevision } = answersIn(protocol);
  const faults: Faults = {
    notReady: false,
    readOnly: false,
    streamsOnly: false,
    hung: false,
    mute: false,
    delayMs: 0,
    acknowledgementsToLose: 0,
    acknowledgementDelayMs: 0,
    leaderPort: null,
    met: () => {},
  };
  const drops = new EventEmitter().setMaxListeners(0);
  let server: Server | undefined;
  let bound = port;

  /** `false` when the call was failed or is left hanging. */
  const admitted = async (call: EventEmitter): Promise<boolean> => {
    for (const fault of ['delayMs', 'notReady', 'hung'] as const) if (faults[fault]) faults.met(fault);
    if (faults.delayMs > 0) await pause(faults.delayMs);
    if (faults.notReady) call.emit('error', notReady);
    return !faults.notReady && !faults.hung;
  };

  const append = async (call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>): Promise<void> => {
    // A client that died in the middle has asked for nothing.
    const requests = await Array.fromAsync(call as AsyncIterable<AppendReq>).catch(() => []);
    const options = requests[0]?.getOptions();
    const proposed = requests.flatMap((request) => request.getProposedMessage() ?? []).map(proposedOf);
    if (!options || !(await admitted(call))) return;
    if (faults.readOnly) {
      answer(denied);
      return;
    }
    if (faults.leaderPort !== null) {
      faults.met('leaderPort');
      answer(notLeader(faults.leaderPort));
      return;
    }
    if (proposed.reduce((bytes, { data }) => bytes + data.length, 0) > APPEND_BYTES_MAX) {
      answer(failure(status.INVALID_ARGUMENT, 'Maximum Append Size Exceeded.', 'maximum-append-size-exceeded'));
      return;
    }
    const stream = nameOf(options.getStreamIdentifier());
    const last = log.append(stream, expectedOf(options), proposed);
    if (faults.acknowledgementDelayMs > 0) {
      faults.met('acknowledgementDelayMs');
      await pause(faults.acknowledgementDelayMs);
    }
    if (faults.acknowledgementsToLose > 0) {
      faults.acknowledgementsToLose -= 1;
      faults.met('acknowledgementsToLose');
      answer(gone);
    } else {
      answer(null, last ? appended(last) : wrongRevision(log.stream(stream)?.at(-1)?.revision));
    }
  };

  const write = async (call: ServerWritableStream<ReadReq, ReadResp>, message: ReadResp): Promise<void> => {
    if (call.write(message) || call.cancelled) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        call.off('drain', done);
        call.off('cancelled', done);
        resolve();
      };
      call.on('drain', done);
      call.on('cancelled', done);
    });
  };

  const subscribe = async (call: ServerWritableStream<ReadReq, ReadResp>, options: ReadReq.Options): Promise<void> => {
    const wanted = filterOf(options);
    const after = options.getAll()?.getPosition();
    let next = after ? log.events.findIndex(({ position }) => position > Number(after.getCommitPosition())) : 0;
    if (next === -1) next = log.events.length;
    let over = false;
    const end = (): void => {
      over = true;
      drops.off('drop', drop);
      log.changes.emit('appended');
    };
    const drop = (): void => {
      call.emit('error', gone);
      end();
    };
    call.on('cancelled', end);
    drops.on('drop', drop);
    await write(call, confirmation());
    while (!over) {
      const event = faults.mute ? undefined : log.events[next];
      if (!event) {
        if (log.events[next]) faults.met('mute');
        await once(log.changes, 'appended');
        continue;
      }
      next += 1;
      if (wanted(event.stream)) await write(call, eventRead(event));
    }
  };

  const eventsToRead = (options: ReadReq.Options): readonly Stored[] | undefined => {
    const [all, stream] = [options.getAll(), options.getStream()];
    const stored = all ? log.events : log.stream(nameOf(stream?.getStreamIdentifier()));
    const position = all?.getPosition();
    const from = position ? Number(position.getCommitPosition()) : stream?.hasRevision() ? Number(stream.getRevision()) : 0;
    if (options.getReadDirection() === 1) return stored?.toReversed();
    return stored?.filter((event) => (all ? event.position : event.revision) >= from);
  };

  const read = async (call: ServerWritableStream<ReadReq, ReadResp>): Promise<void> => {
    const options = call.request.getOptions();
    if (!options || !(await admitted(call))) return;
    if (faults.streamsOnly && options.hasAll()) {
      call.emit('error', denied);
      return;
    }
    if (options.hasSubscription()) return subscribe(call, options);
    const events = eventsToRead(options);
    if (!events) await write(call, streamNotFound(nameOf(options.getStream()?.getStreamIdentifier())));
    for (const event of events?.slice(0, Math.min(Number(options.getCount()), events.length)) ?? []) {
      if (call.cancelled) return;
      await write(call, eventRead(event));
    }
    call.end();
  };

  /** The server knows the shared stream of appends, so a client that may would use it; here that fails, for it must not. */
  const supported = new featureMessages.SupportedMethods()
    .setEventStoreServerVersion('22.10.5')
    .setMethodsList([
      new featureMessages.SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName('batchappend'),
    ]);

  const start = async (): Promise<void> => {
    server = new Server();
    server.addService(streams.StreamsService, { append, read });
    server.addService(features.ServerFeaturesService, {
      getSupportedMethods: (_: unknown, answer: sendUnaryData<typeof supported>) => answer(null, supported),
    });
    const starting = server;
    bound = await new Promise<number>((resolve, reject) => {
      starting.bindAsync(`127.0.0.1:${bound}`, ServerCredentials.createInsecure(), (error, actual) =>
        error ? reject(error) : resolve(actual),
      );
    });
  };
  await start();

  return {
    url: `${flavour === 'eventstoredb' ? 'esdb' : 'kurrentdb'}://127.0.0.1:${bound}?tls=false`,
    port: bound,
    faults,
    log,
    dropSubscriptions: () => drops.emit('drop'),
    subscribers: () => drops.listenerCount('drop'),
    stop: async () => {
      drops.emit('drop');
      server?.forceShutdown();
    },
    start,
  };
};
