/** Stretches of time `[fromAt, untilAt)` in unix seconds. */

export interface Spell {
  readonly fromAt: number;
  readonly untilAt: number;
}

/** A spell that may still go on: `untilAt` is null while it does. */
export interface OpenSpell {
  readonly fromAt: number;
  readonly untilAt: number | null;
}

/** The time that `spells` cover within `[fromAt, untilAt)`, as disjoint spells in order of time. Any order, overlaps allowed. */
export function covered(spells: readonly OpenSpell[], fromAt: number, untilAt: number): readonly Spell[] {
  const clipped = spells
    .map((spell) => ({
      fromAt: Math.max(fromAt, spell.fromAt),
      untilAt: Math.min(untilAt, spell.untilAt ?? untilAt),
    }))
    .filter((spell) => spell.fromAt < spell.untilAt)
    .sort((one, other) => one.fromAt - other.fromAt || one.untilAt - other.untilAt);
  const merged: { fromAt: number; untilAt: number }[] = [];
  for (const spell of clipped) {
    const last = merged.at(-1);
    if (last !== undefined && spell.fromAt <= last.untilAt)
      last.untilAt = Math.max(last.untilAt, spell.untilAt);
    else merged.push({ ...spell });
  }
  return merged;
}

/** Seconds of `[fromAt, untilAt)` that `spells`, disjoint and in order of time, cover. */
export function coveredSeconds(spells: readonly Spell[], fromAt: number, untilAt: number): number {
  let seconds = 0;
  for (let index = firstEndingAfter(spells, fromAt); index < spells.length; index++) {
    const spell = spells[index];
    if (spell === undefined || spell.fromAt >= untilAt) break;
    seconds += Math.min(untilAt, spell.untilAt) - Math.max(fromAt, spell.fromAt);
  }
  return seconds;
}

/** Index of the first of `spells`, disjoint and in order of time, that ends after `at`. */
export function firstEndingAfter(spells: readonly Spell[], at: number): number {
  let low = 0;
  let high = spells.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spells[middle]?.untilAt ?? Number.POSITIVE_INFINITY) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
