/** Which client is under test. Its very protobuf files must be loaded, and no others: they register their classes in a global. */
export type Flavour = 'eventstoredb' | 'kurrentdb';

/** The generated files of `@eventstore/db-client`; the successor brings the same messages under other paths. */
const eventStoreDb = async () => ({
  features: (await import('@eventstore/db-client/generated/serverfeatures_grpc_pb.js')).default,
  featureMessages: (await import('@eventstore/db-client/generated/serverfeatures_pb.js')).default,
  streams: (await import('@eventstore/db-client/generated/streams_grpc_pb.js')).default,
  streamMessages: (await import('@eventstore/db-client/generated/streams_pb.js')).default,
  shared: (await import('@eventstore/db-client/generated/shared_pb.js')).default,
});

export type Protocol = Awaited<ReturnType<typeof eventStoreDb>>;

const kurrentDb = async () => ({
  features: (await import('@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb.js')).default,
  featureMessages: (await import('@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js')).default,
  streams: (await import('@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_grpc_pb.js')).default,
  streamMessages: (await import('@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js')).default,
  shared: (await import('@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js')).default,
});

export const loadProtocol = async (flavour: Flavour): Promise<Protocol> =>
  // Both are generated from one protocol; the successor's has more in it.
  flavour === 'eventstoredb' ? eventStoreDb() : ((await kurrentDb()) as unknown as Protocol);
