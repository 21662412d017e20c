/** What the registry said of a node in the second in which it signed. */
import { type SQL, sql } from "drizzle-orm";
import type { Hex } from "../../../proofs/hex.ts";
import {
  joinObservations,
  joinPcrPerRow,
  joinRegistration,
  joinStatus,
  type NodeStatus,
  REGISTRATIONS,
  recordColumn,
} from "../nodes/nodeState.ts";
import { joinStatusPrecision, type Precision } from "../nodes/precision.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";

export interface NodeAtSigning {
  /** The first configured one in which the node was registered by then. */
  readonly registry: Hex;
  readonly status: NodeStatus;
  readonly statusPrecision: Precision;
  readonly pcrHash: Hex | null;
  readonly pcrVersion: string | null;
  readonly pcrApproved: boolean;
}

interface Signing {
  readonly teeId: string;
  /** Unix seconds; null when it is no time that a block could have. */
  readonly signedAt: number | null;
}

/**
 * For each signing, in order: null when the node was in none of the registries by then, or the second is not indexed yet.
 * @param registries - in order of preference; null means every one, in order of address.
 */
export async function readNodesAtSigning(
  transaction: ReadTransaction,
  newest: Moment,
  signings: readonly Signing[],
  registries: readonly string[] | null,
): Promise<readonly (NodeAtSigning | null)[]> {
  const { chainId, blockNumber, time } = newest;
  const wanted = signings.flatMap(({ teeId, signedAt }, place) =>
    signedAt === null || signedAt > time ? [] : [sql`(${place}::int, ${teeId}, ${signedAt}::bigint)`],
  );
  if (wanted.length === 0) return signings.map(() => null);
  const moment = { chainId, blockNumber: sql`signing.block_number`, time: sql`signing.signed_at` };
  const preference: SQL =
    registries === null
      ? sql`n.registry`
      : sql`array_position(array[${sql.join(
          registries.map((registry) => sql`${registry}`),
          sql`, `,
        )}]::text[], n.registry)`;
  const rows = await transaction.rows<NodeAtSigning & { place: number }>(sql`
    with wanted (place, tee_id, signed_at) as (values ${sql.join(wanted, sql`, `)}),
    signing as materialized (
      select wanted.*, coalesce((
        select number from og.block
        where chain_id = ${chainId} and timestamp <= wanted.signed_at and number <= ${blockNumber}
        order by timestamp desc, number desc limit 1), -1) as block_number
      from wanted
    )
    select distinct on (signing.place) signing.place, n.registry, state.status,
      certainty.precision as "statusPrecision",
      ${recordColumn("pcr_hash")} as "pcrHash",
      case when typed.approved_at is not null then typed.version else untyped.version end as "pcrVersion",
      pcr.approved as "pcrApproved"
    from signing
    join ${REGISTRATIONS} n on n.chain_id = ${chainId} and n.tee_id = signing.tee_id
      ${registries === null ? sql`` : sql`and n.registry in ${[...registries]}`}
    ${joinRegistration(moment)}
    ${joinObservations(moment)}
    ${joinPcrPerRow(moment)}
    ${joinStatus(moment)}
    ${joinStatusPrecision(moment)}
    order by signing.place, ${preference}`);
  const found = new Map(rows.map(({ place, ...node }) => [place, node]));
  return signings.map((_, place) => found.get(place) ?? null);
}
