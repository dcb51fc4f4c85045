const HEADER_BYTES = 8;

export type FrameHandler = (stream: 'stdout' | 'stderr', payload: Buffer) => void;

/**
 * Takes the stream of an attached container apart: frames of one byte for the stream (1 or 2), three zeros, four bytes of length
 * (big endian) and the payload. Chunks may end anywhere. Linear in its input, for a test chooses how many frames there are;
 * the demultiplexer of the client library copies the rest of a chunk for every frame in it.
 */
export const createFrameReader = (onFrame: FrameHandler): ((chunk: Buffer) => void) => {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerBytes = 0;
  let payloadBytes = 0;

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (payloadBytes === 0) {
        const taken = chunk.copy(header, headerBytes, at, at + HEADER_BYTES - headerBytes);
        at += taken;
        headerBytes = (headerBytes + taken) % HEADER_BYTES;
        if (headerBytes === 0) payloadBytes = header.readUInt32BE(4);
      } else {
        const payload = chunk.subarray(at, at + payloadBytes);
        at += payload.length;
        payloadBytes -= payload.length;
        onFrame(header[0] === 2 ? 'stderr' : 'stdout', payload);
      }
    }
  };
};
