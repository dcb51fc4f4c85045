import type { AppendReq, AppendResp, ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { Metadata, status } from '@grpc/grpc-js';
import type { Expected, Proposed, Stored } from './memory-log.ts';
import type { Protocol } from './protocol.ts';

export const nameOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString();

export const expectedOf = (options: AppendReq.Options): Expected => {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  return Number(options.getRevision());
};

export const proposedOf = (message: AppendReq.ProposedMessage): Proposed => ({
  id: message.getId()?.getString() ?? '',
  type: message.getMetadataMap().get('type') ?? '',
  contentType: message.getMetadataMap().get('content-type') ?? '',
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
});

/** The server's answers, in the classes of the client under test. */
export const answersIn = ({ shared, streamMessages: streams }: Protocol) => {
  const identifierOf = (stream: string) => new shared.StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64'));

  const appended = ({ revision, position }: Stored): AppendResp => {
    const where = new streams.AppendResp.Position().setCommitPosition(String(position)).setPreparePosition(String(position));
    return new streams.AppendResp().setSuccess(
      new streams.AppendResp.Success().setCurrentRevision(String(revision)).setPosition(where),
    );
  };

  const wrongRevision = (current: number | undefined): AppendResp => {
    const wrong = new streams.AppendResp.WrongExpectedVersion();
    if (current === undefined) wrong.setCurrentNoStream(new shared.Empty());
    else wrong.setCurrentRevision(String(current));
    return new streams.AppendResp().setWrongExpectedVersion(wrong);
  };

  const eventRead = (event: Stored): ReadResp => {
    const record = new streams.ReadResp.ReadEvent.RecordedEvent()
      .setId(new shared.UUID().setString(event.id))
      .setStreamIdentifier(identifierOf(event.stream))
      .setStreamRevision(String(event.revision))
      .setCommitPosition(String(event.position))
      .setPreparePosition(String(event.position))
      .setData(event.data)
      .setCustomMetadata(event.metadata);
    record.getMetadataMap().set('type', event.type).set('content-type', event.contentType).set('created', event.created);
    return new streams.ReadResp().setEvent(
      new streams.ReadResp.ReadEvent().setEvent(record).setCommitPosition(String(event.position)),
    );
  };

  const streamNotFound = (stream: string): ReadResp =>
    new streams.ReadResp().setStreamNotFound(new streams.ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream)));

  const confirmation = (): ReadResp =>
    new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('double'));

  return { appended, wrongRevision, eventRead, streamNotFound, confirmation };
};

/** Whether a subscription wants the events of a stream. Only filters on the name of the stream are known here. */
export const filterOf = (options: ReadReq.Options): ((stream: string) => boolean) => {
  const expression = options.getFilter()?.getStreamIdentifier();
  if (!expression) return () => true;
  const prefixes = expression.getPrefixList();
  const regex = new RegExp(expression.getRegex());
  return (stream) => (prefixes.length > 0 ? prefixes.some((prefix) => stream.startsWith(prefix)) : regex.test(stream));
};

/** A failed call, as the server words it. The client tells errors apart by the trailer `exception`. */
export const failure = (code: status, details: string, exception?: string) => {
  const metadata = new Metadata();
  if (exception) metadata.set('exception', exception);
  return { code, details, metadata };
};

export const gone = failure(status.UNAVAILABLE, 'Connection dropped');
export const notReady = failure(status.UNAVAILABLE, 'Server Is Not Ready');
/** A node that follows stores nothing and says who leads. */
export const notLeader = (port: number) => {
  const refused = failure(status.NOT_FOUND, 'Leader info available', 'not-leader');
  refused.metadata.set('leader-endpoint-host', '127.0.0.1');
  refused.metadata.set('leader-endpoint-port', String(port));
  return refused;
};
