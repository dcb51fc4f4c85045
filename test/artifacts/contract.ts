import { expect, it } from 'vitest';
import type { Artifacts } from '../../src/commands/ports/artifacts.ts';
import { sha256 } from '../../src/domain/canonical.ts';

export const BYTES = Buffer.from([0, 255, 10, 13, 200]);

/** An empty store of artifacts, and what stands in it behind its back. */
export interface ArtifactPlace {
  /** As another process sees it, too. */
  open(bytesMax?: number): Artifacts;
  /** How many there are, by name. */
  names(): Promise<readonly string[]>;
  replace(digest: string, bytes: Buffer): Promise<void>;
  remove(digest: string): Promise<void>;
}

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
      await expect(artifacts.get(ref)).rejects.toThrow('missing or damaged');
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
};
