/** One row of the table in docs/metrics.md. */

export interface Outcome {
  /** In words with numbers, as printed. */
  readonly measured: string;
  readonly holds: boolean;
}

export interface Attack {
  readonly name: string;
  readonly mustHold: string;
  readonly run: () => Outcome;
  /** The same with one defence removed: must not hold. */
  readonly controls: readonly { readonly without: string; readonly run: () => Outcome }[];
}

/** An attack, run with the given defences. */
export function attack<Changes>(
  name: string,
  mustHold: string,
  run: (changes: Changes) => Outcome,
  inForce: Changes,
  controls: readonly (readonly [without: string, changes: Changes])[],
): Attack {
  return {
    name,
    mustHold,
    run: () => run(inForce),
    controls: controls.map(([without, changes]) => ({ without, run: () => run(changes) })),
  };
}

/** Fixed decimals, without a negative zero. */
export const fixed = (value: number, decimals: number): string =>
  value.toFixed(decimals).replace(/^-(0(\.0*)?)$/, "$1");
