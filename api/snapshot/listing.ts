/** What a user needs to connect to a node, written once: it changes only with the node's record. */

import { findNodes, type Node } from "../queries/nodes/nodes.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import type { Moment } from "../queries/state/moment.ts";

export interface Listing {
  /** The node's members that heartbeats do not change, as the beginning of a JSON object. */
  readonly json: string;
  /** It has a key for Oblivious HTTP that clients can use. */
  readonly ohttp: boolean;
}

/** Read at a time: certificates and keys are kilobytes. */
const NODES_PER_READ = 500;

export async function readListings(
  transaction: ReadTransaction,
  moment: Moment,
  registry: string,
  teeIds: readonly string[],
): Promise<ReadonlyMap<string, Listing>> {
  const listings = new Map<string, Listing>();
  for (let from = 0; from < teeIds.length; from += NODES_PER_READ) {
    const keys = teeIds.slice(from, from + NODES_PER_READ).map((teeId) => ({ registry, teeId }));
    for (const node of await findNodes(transaction, moment, keys, { keys: "with-keys" })) {
      const listing = { json: lastingJson(node), ohttp: hasOhttpKey(node) };
      listings.set(node.teeId, listing);
    }
  }
  return listings;
}

function lastingJson(node: Node): string {
  const { status: _, enabled, lastHeartbeatAt, lastSignedAt, ...lasting } = node;
  const text = JSON.stringify(lasting);
  return text.slice(0, -1);
}

/** X25519: clients take no other. */
const HPKE_KEY_BYTES = 32;

const hasOhttpKey = ({ ohttpConfig }: Node): boolean =>
  ohttpConfig !== null && ohttpConfig.publicKey.length === 2 + 2 * HPKE_KEY_BYTES;
