/** Nodes whose records may depend on each other: those of one owner, and of owners that name each other's hosts or payees. */
import type { KeptNode } from "./keptNode.ts";

/** Ids, each once. */
export type Families = readonly (readonly string[])[];

/** @param commonPayees - addresses that anyone may name. */
export function familiesOf(nodes: Iterable<KeptNode>, commonPayees: readonly string[]): Families {
  const leaders = new Map<string, string>();
  const leaderOf = (name: string): string => {
    let leader = name;
    for (let next = leaders.get(leader); next !== undefined; next = leaders.get(leader)) leader = next;
    if (leader !== name) leaders.set(name, leader);
    return leader;
  };
  const join = (one: string, other: string) => {
    const [first, second] = [leaderOf(one), leaderOf(other)];
    if (first !== second) leaders.set(second, first);
  };
  const owners: [string, string][] = [];
  for (const { evidence } of nodes) {
    const { owner, host, paymentAddress } = evidence.registered;
    if (host !== null) join(`owner ${owner}`, `host ${host}`);
    if (paymentAddress !== null && !commonPayees.includes(paymentAddress))
      join(`owner ${owner}`, `payee ${paymentAddress}`);
    owners.push([evidence.teeId, owner]);
  }
  const families = new Map<string, string[]>();
  for (const [teeId, owner] of owners) {
    const leader = leaderOf(`owner ${owner}`);
    const family = families.get(leader);
    if (family === undefined) families.set(leader, [teeId]);
    else family.push(teeId);
  }
  return [...families.values()];
}
