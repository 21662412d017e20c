/** Keys of the loaders of operators: an address, and the registries whose nodes count. */
import type { OperatorScope } from "../queries/operators/operators.ts";
import { operatorScope } from "../queries/state/service.ts";
import type { View } from "./execution/state.ts";

export interface OperatorKey {
  readonly address: string;
  /** Null means every registry. */
  readonly registries: readonly string[] | null;
}

const scopeName = ({ registries }: OperatorKey): string => registries?.join(" ") ?? "all";

export const cacheKeyFn = (key: OperatorKey): string => `${key.address} ${scopeName(key)}`;

/** Loads values by key, one query for each set of registries. */
export async function byScope<Value>(
  view: View,
  keys: readonly OperatorKey[],
  read: (
    scope: OperatorScope,
    addresses: readonly string[],
  ) => Promise<readonly (readonly [address: string, value: Value])[]>,
): Promise<readonly (Value | null)[]> {
  const scopes = new Map(keys.map((key) => [scopeName(key), key.registries]));
  const found = new Map<string, Value>();
  for (const [name, registries] of scopes) {
    const addresses = keys.filter((key) => scopeName(key) === name).map(({ address }) => address);
    for (const [address, value] of await read(operatorScope(view.state.settings, registries), addresses))
      found.set(`${address} ${name}`, value);
  }
  return keys.map((key) => found.get(`${key.address} ${scopeName(key)}`) ?? null);
}
