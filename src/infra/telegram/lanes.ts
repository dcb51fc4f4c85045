/** Work of one lane is done in the order it came, one after the other; that of different lanes at the same time. */
export const createLanes = () => {
  const last = new Map<string, Promise<void>>();

  return (lane: string, work: () => Promise<void>): Promise<void> => {
    const mine = (last.get(lane) ?? Promise.resolve()).then(work);
    // What failed stops nothing behind it; its caller is told.
    const settled = mine.then(
      () => undefined,
      () => undefined,
    );
    const tail = settled.then(() => {
      if (last.get(lane) === tail) last.delete(lane);
    });
    last.set(lane, tail);
    return mine;
  };
};
