import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { ArtifactMissing, type Artifacts } from '../commands/ports/artifacts.ts';
import { OutsideFailure } from '../commands/ports/repositories.ts';
import { ArtifactRef } from '../domain/artifact.ts';
import { sha256 } from '../domain/canonical.ts';
import type { ArtifactStock } from './artifact-retention.ts';

/** Longest wait for a connection, and for an answer or the next piece of it, in milliseconds; and how often a call is made before it has failed. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 30_000;
const TRIES_MAX = 3;
/** Of a SHA-256 in hexadecimal. */
const DIGEST_CHARACTERS = 64;

/** Answers that say that this key may not, or that there is no such bucket: waiting alone does not mend them. */
const REFUSALS: Readonly<Record<string, string>> = {
  AccessDenied: 'refuses this key; let it list, read, write and delete below the prefix',
  InvalidAccessKeyId: 'does not know ARTIFACT_STORE_KEY_ID',
  SignatureDoesNotMatch: 'refuses ARTIFACT_STORE_SECRET',
  RequestTimeTooSkewed: 'has another time than this machine; set its clock',
  NoSuchBucket: 'has no such bucket; make it, or name another in ARTIFACT_STORE',
};

export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** `null`: Amazon's own for the region. */
  readonly endpoint: string | null;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
}

/** The client's own words may hold keys and addresses. */
const failure = (error: unknown): OutsideFailure => {
  const name = error instanceof Error ? error.name : '';
  return new OutsideFailure(`The artifact store ${REFUSALS[name] ?? 'does not answer; it is tried again'}.`, { cause: error });
};

/** No more than `bytes` of it are kept in memory; `null` when it has more. */
const readUpTo = async (body: AsyncIterable<Uint8Array>, bytes: number): Promise<Buffer | null> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** Objects named by the SHA-256 of their bytes, in a bucket that speaks S3: `<prefix>/ab/abcd…`. The store checks each against its digest. */
export const createS3Artifacts = (place: S3Place, bytesMax: number, answerMs = ANSWER_MS): Artifacts & ArtifactStock => {
  const { bucket: Bucket, prefix, endpoint, region, keyId, secret } = place;
  const client = new S3Client({
    region,
    credentials: { accessKeyId: keyId, secretAccessKey: secret },
    // Others than Amazon are seldom reached by names of buckets.
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    maxAttempts: TRIES_MAX,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      // Until the headers are there, and from then on whenever nothing comes.
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      socketTimeout: answerMs,
    },
    // The digest is given with each object; other sums of the client's are not known everywhere.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const below = prefix === '' ? '' : `${prefix}/`;
  const keyOf = (digest: string): string => `${below}${digest.slice(0, 2)}/${digest}`;

  /** As `verified` of a folder. */
  const read = async ({ digest, bytes }: ArtifactRef): Promise<Buffer | null | undefined> => {
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: keyOf(digest) }));
      const found = Body && (await readUpTo(Body as AsyncIterable<Uint8Array>, bytes)); // In Node it is a stream.
      return found && found.length === bytes && sha256(found) === digest ? found : null;
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw failure(error);
    }
  };

  async function* stored(): ReturnType<ArtifactStock['list']> {
    try {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: below })) {
        for (const { Key = '', Size = 0, LastModified } of Contents) {
          const digest = Key.slice(-DIGEST_CHARACTERS);
          // What else stands in the bucket is somebody else's.
          if (Key === keyOf(digest) && LastModified) yield { digest, bytes: Size, putAt: LastModified.getTime() };
        }
      }
    } catch (error) {
      throw failure(error);
    }
  }

  return {
    /** Always sent: the same bytes under the same name change nothing, and mend what was damaged. */
    put: async (bytes) => {
      if (bytes.length > bytesMax) throw new RangeError(`an artifact holds at most ${bytesMax} bytes`);
      const ref: ArtifactRef = { digest: sha256(bytes), bytes: bytes.length };
      const ChecksumSHA256 = Buffer.from(ref.digest, 'hex').toString('base64');
      try {
        await client.send(new PutObjectCommand({ Bucket, Key: keyOf(ref.digest), Body: bytes, ChecksumSHA256 }));
      } catch (error) {
        throw failure(error);
      }
      return ref;
    },
    get: async (ref) => {
      const { digest, bytes } = ArtifactRef.parse(ref);
      const found = bytes > bytesMax ? null : await read({ digest, bytes });
      if (found === undefined) throw new ArtifactMissing(ref);
      if (found === null) throw new Error(`The artifact ${digest.slice(0, 12)} is damaged; restore it from a backup.`);
      return found;
    },
    list: stored,
    /** Between the look and the removal is a moment: a bucket has no condition on the time for both. */
    remove: async (digest, putBefore) => {
      const object = { Bucket, Key: keyOf(digest) };
      try {
        const { LastModified } = await client.send(new HeadObjectCommand(object));
        if (LastModified && LastModified.getTime() < putBefore) await client.send(new DeleteObjectCommand(object));
      } catch (error) {
        if (!(error instanceof NotFound)) throw failure(error);
      }
    },
  };
};
