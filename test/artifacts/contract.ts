import { describe, expect, it } from 'vitest';
import type { Artifacts } from '../../src/commands/ports/artifacts.ts';
import { sha256 } from '../../src/domain/canonical.ts';
import { type ArtifactStock, pruneArtifacts } from '../../src/infra/artifact-retention.ts';

export const BYTES = Buffer.from([0, 255, 10, 13, 200]);

/** An empty store of artifacts, and what stands in it behind its back. */
export interface ArtifactPlace {
  /** As another process sees it, too. */
  open(bytesMax?: number): Artifacts & ArtifactStock;
  /** How many there are, by name. */
  names(): Promise<readonly string[]>;
  replace(digest: string, bytes: Buffer): Promise<void>;
  remove(digest: string): Promise<void>;
  /** It was last put so many hours ago. */
  age(digest: string, hours: number): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** What every store of artifacts does, whatever it is made of. */
export const artifactsContract = (createPlace: () => Promise<ArtifactPlace>): void => {
  it('come back byte for byte, also the empty one', async () => {
    const artifacts = (await createPlace()).open();
    for (const bytes of [BYTES, Buffer.alloc(0), Buffer.alloc(300_000, 'ä\r\n')]) {
      const ref = await artifacts.put(bytes);
      expect(ref).toEqual({ digest: sha256(bytes), bytes: bytes.length });
      expect((await artifacts.get(ref)).equals(bytes)).toBe(true);
    }
  });

  it('are one however often and by however many they are put', async () => {
    const place = await createPlace();
    const [one, other] = [place.open(), place.open()];
    const refs = await Promise.all([one.put(BYTES), other.put(BYTES), one.put(BYTES)]);
    expect(new Set(refs.map(({ digest }) => digest))).toEqual(new Set([sha256(BYTES)]));
    expect(await place.names()).toEqual([sha256(BYTES)]);
    expect(await other.get({ digest: sha256(BYTES), bytes: BYTES.length })).toEqual(BYTES);
  });

  it('are refused over the limit, before anything is written', async () => {
    const place = await createPlace();
    await expect(place.open(4).put(BYTES)).rejects.toThrow(RangeError);
    expect(await place.names()).toEqual([]);
  });

  it('are refused when damaged, cut, longer or missing, and mended by the next put', async () => {
    const place = await createPlace();
    const artifacts = place.open();
    const ref = await artifacts.put(BYTES);
    const damages = [
      () => place.replace(ref.digest, Buffer.from([0, 255, 10, 13, 201])),
      () => place.replace(ref.digest, BYTES.subarray(1)),
      () => place.replace(ref.digest, Buffer.concat([BYTES, Buffer.alloc(1_000_000)])),
      () => place.remove(ref.digest),
    ];
    for (const damage of damages) {
      await damage();
      await expect(artifacts.get(ref)).rejects.toThrow(/missing|damaged/);
      await artifacts.put(BYTES);
      expect(await artifacts.get(ref)).toEqual(BYTES);
    }
  });

  it('are never named by anything but a digest', async () => {
    const artifacts = (await createPlace()).open();
    await expect(artifacts.get({ digest: '../../etc/passwd', bytes: 1 })).rejects.toThrow();
    await expect(artifacts.get({ digest: sha256(BYTES), bytes: -1 })).rejects.toThrow();
    await expect(artifacts.get({ digest: sha256(BYTES), bytes: 2 ** 40 })).rejects.toThrow();
  });

  it('say whether they are missing or damaged', async () => {
    const place = await createPlace();
    const artifacts = place.open();
    const ref = await artifacts.put(BYTES);
    await place.replace(ref.digest, BYTES.subarray(1));
    await expect(artifacts.get(ref)).rejects.not.toMatchObject({ name: 'ArtifactMissing' });
    await place.remove(ref.digest);
    await expect(artifacts.get(ref)).rejects.toMatchObject({ name: 'ArtifactMissing' });
  });

  describe('that are cleared up', () => {
    /** One artifact of 100 bytes for each age, in hours. */
    const filled = async (...ages: readonly number[]) => {
      const place = await createPlace();
      const artifacts = place.open();
      const refs = await Promise.all(ages.map((_, index) => artifacts.put(Buffer.alloc(100, index + 1))));
      await Promise.all(refs.map(({ digest }, index) => place.age(digest, ages[index] ?? 0)));
      const kept = async (): Promise<readonly number[]> => {
        const names = await place.names();
        return refs.flatMap(({ digest }, index) => (names.includes(digest) ? [ages[index] ?? 0] : []));
      };
      return { place, artifacts, refs, kept };
    };
    const nothing = async (): Promise<ReadonlySet<string>> => new Set();

    it('go when they are too old, but for those that an open task names', async () => {
      const { artifacts, refs, kept } = await filled(0, 23, 25, 26, 200);
      const needed = new Set(refs.slice(3, 4).map(({ digest }) => digest));
      await pruneArtifacts(artifacts, { ageMsMax: 24 * HOUR_MS, bytesMax: 10_000 }, async () => needed);
      expect(await kept()).toEqual([0, 23, 26]);
    });

    it('go from the oldest on until the rest fits, but for those that an open task names', async () => {
      const { artifacts, refs, kept } = await filled(2, 4, 6, 8, 10);
      const needed = new Set(refs.slice(4).map(({ digest }) => digest));
      await pruneArtifacts(artifacts, { ageMsMax: 1_000 * HOUR_MS, bytesMax: 250 }, async () => needed);
      expect(await kept()).toEqual([2, 4, 10]);
    });

    it('stay when they were just put, however much that is: what names them may be on its way to the log', async () => {
      const { artifacts, kept } = await filled(0, 0.5, 3);
      await pruneArtifacts(artifacts, { ageMsMax: HOUR_MS, bytesMax: 1 }, nothing);
      expect(await kept()).toEqual([0, 0.5]);
    });

    it('stay when they are put again, before a look or in the middle of it', async () => {
      const { place, artifacts, refs, kept } = await filled(100, 100, 100);
      await place.open().put(Buffer.alloc(100, 1));
      await pruneArtifacts(artifacts, { ageMsMax: HOUR_MS, bytesMax: 10_000 }, async () => {
        await place.open().put(Buffer.alloc(100, 2));
        return new Set();
      });
      expect(await kept()).toEqual([100, 100]);
      expect(await artifacts.get(refs[1] ?? { digest: '', bytes: 0 })).toEqual(Buffer.alloc(100, 2));
    });

    it('may be gone already', async () => {
      const { artifacts, kept } = await filled(3);
      await artifacts.remove(sha256(BYTES), Date.now());
      expect(await kept()).toEqual([3]);
    });
  });
};
