/** Long computations in slices, so that answers are given in between. */

/** To be awaited after some units of work; lets others run once enough was done. */
export type Pause = (units: number) => Promise<void> | undefined;

/** @param units - of work between two pauses: a unit is some microseconds. */
export function slicesOf(units: number, yieldNow: () => Promise<void>): Pause {
  let left = units;
  return (done) => {
    left -= done;
    if (left > 0) return undefined;
    left = units;
    return yieldNow();
  };
}
