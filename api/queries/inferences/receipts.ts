/** Receipts: what anyone needs to check, without us, that an inference was settled. */
import { sql } from "drizzle-orm";
import type { Hex } from "../../../proofs/hex.ts";
import type { SignedInference } from "../../../proofs/inference.ts";
import { KeptTree, leafHash, rootOfPath } from "../../../proofs/merkle.ts";
import { RECEIPT_VERSION, type Receipt, type ReceiptSettlement } from "../../../proofs/receipt.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { toSafeNumber } from "../settlements/settlements.ts";
import { formatEventId } from "../state/eventId.ts";
import type { Moment } from "../state/moment.ts";
import { type ProofTables, registeredBefore, verdictsOnChain } from "../state/proofTables.ts";
import { readNodesAtSigning } from "./nodeAtSigning.ts";

interface ProvingRow {
  readonly chainId: number;
  readonly txHash: Hex;
  readonly logIndex: number;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly settledAt: number;
  readonly relay: Hex;
  readonly kind: "individual" | "batch";
  readonly blobIdHex: Hex | null;
  readonly merkleRoot: Hex | null;
  readonly batchSize: bigint | null;
  readonly claimedPayer: Hex | null;
  readonly verdict: Receipt["verdicts"]["settlement"];
  readonly reason: string | null;
  readonly batchKey: Hex | null;
  readonly leafIndex: number | null;
  readonly leafCount: number | null;
  readonly signature: Hex;
  readonly inferenceId: Hex;
  readonly teeId: Hex;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  readonly timestamp: bigint;
  readonly publicKey: Hex | null;
}

/** The receipt by the earliest settlement on chain that proves the inference; null when none does. */
export async function readReceipt(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  inferenceId: string,
): Promise<Receipt | null> {
  const proving = await findProving(transaction, proofs, moment, inferenceId);
  if (proving === null) return null;
  const { teeId, inputHash, outputHash, signature, timestamp } = proving;
  const registration = await readRegistration(transaction, proofs, moment, teeId);
  // a reorg took it, and the verifier has not noticed yet
  if (registration === null) return null;
  const { batchKey, leafIndex, leafCount, merkleRoot } = proving;
  const path =
    batchKey === null || leafIndex === null || leafCount === null
      ? null
      : await readPath(transaction, proofs, { batchKey, leafIndex, leafCount, merkleRoot }, proving);
  return {
    version: RECEIPT_VERSION,
    inferenceId: proving.inferenceId,
    leaf: { teeId, inputHash, outputHash, signature, timestamp: timestamp.toString() },
    settlement: toSettlement(proving),
    merkle: path === null ? null : { path },
    publicKey: proving.publicKey,
    registration,
    nodeAtSigning: await readStanding(transaction, moment, proving, registration.registry),
    verdicts: { signature: "valid", settlement: proving.verdict, reason: proving.reason },
    asOf: {
      chainId: moment.chainId,
      blockNumber: moment.blockNumber,
      blockTime: moment.time,
      proofs: proofs.revision,
    },
  };
}

async function findProving(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  inferenceId: string,
): Promise<ProvingRow | null> {
  const proves = sql`g.valid and ${registeredBefore(proofs, sql`g.tee_id`)}`;
  const [row] = await transaction.rows<ProvingRow>(sql`
    with place as (
      (select s.chain_id, s.block_number, s.log_index, p.verdict, p.reason, p.batch_key, p.leaf_count,
        null::int as leaf_index, g.signature
      from ${verdictsOnChain(proofs, moment)} join ${proofs.signature} g on g.key = p.signature_key
      where p.inference_id = ${inferenceId} and ${proves}
      order by s.block_number, s.log_index limit 1)
      union all
      (select s.chain_id, s.block_number, s.log_index, p.verdict, p.reason, p.batch_key, p.leaf_count,
        l.leaf_index, g.signature
      from ${verdictsOnChain(proofs, moment)} join ${proofs.leaf} l on l.batch_key = p.batch_key
        join ${proofs.signature} g on g.key = l.signature_key
      where l.inference_id = ${inferenceId} and ${proves}
      order by s.block_number, s.log_index, l.leaf_index limit 1)
    )
    select s.chain_id as "chainId", s.tx_hash as "txHash", s.log_index as "logIndex", s.block_number as "blockNumber",
      b.hash as "blockHash", s.settled_at as "settledAt", s.relay, s.kind, s.blob_id_hex as "blobIdHex",
      s.merkle_root as "merkleRoot", s.batch_size as "batchSize", s.claimed_payer as "claimedPayer", place.verdict,
      place.reason, place.batch_key as "batchKey", place.leaf_index as "leafIndex", place.leaf_count as "leafCount", place.signature,
      i.id as "inferenceId", i.tee_id as "teeId", i.input_hash as "inputHash", i.output_hash as "outputHash",
      i.timestamp, k.public_key as "publicKey"
    from place
    join og.settlement s on s.chain_id = place.chain_id and s.block_number = place.block_number
      and s.log_index = place.log_index
    join og.block b on b.chain_id = s.chain_id and b.number = s.block_number
    join ${proofs.inference} i on i.id = ${inferenceId}
    left join ${proofs.nodeKey} k on k.tee_id = i.tee_id
    order by s.block_number, s.log_index, place.leaf_index limit 1`);
  return row ?? null;
}

function toSettlement(row: ProvingRow): ReceiptSettlement {
  const { relay, txHash, logIndex, blockNumber, blockHash, chainId, settledAt, merkleRoot, batchSize } = row;
  const fields = {
    id: formatEventId(row),
    chainId,
    relay,
    txHash,
    logIndex,
    blockNumber,
    blockHash,
    settledAt,
    blobIdHex: row.blobIdHex ?? "0x",
  } as const;
  if (row.kind === "individual") {
    if (row.claimedPayer === null) throw new Error(`settlement ${fields.id} claims no payer`);
    return { kind: "individual", ...fields, claimedPayer: row.claimedPayer };
  }
  if (merkleRoot === null || batchSize === null) throw new Error(`settlement ${fields.id} is no batch`);
  return { kind: "batch", ...fields, merkleRoot, batchSize: batchSize.toString() };
}

interface BatchPlace {
  readonly batchKey: Hex;
  readonly leafIndex: number;
  readonly leafCount: number;
  readonly merkleRoot: Hex | null;
}

/**
 * The siblings of a leaf, from its batch's tree.
 * @throws {Error} when they do not lead to the root: the verifier kept the tree because they do.
 */
async function readPath(
  transaction: ReadTransaction,
  proofs: ProofTables,
  { batchKey, leafIndex, leafCount, merkleRoot }: BatchPlace,
  leaf: SignedInference,
): Promise<Hex[]> {
  const read = async (offsets: readonly number[], length: number): Promise<readonly Hex[]> => {
    const rows = await transaction.rows<{ hex: Hex }>(sql`
      select '0x' || encode(substring(b.tree from part.begins + 1 for ${length}), 'hex') as hex
      from ${proofs.batch} b cross join unnest(${sql.param(offsets)}::int[]) with ordinality part (begins, place)
      where b.key = ${batchKey} order by part.place`);
    return rows.map(({ hex }) => hex);
  };
  const [place] = await read([KeptTree.placeOffset(leafCount, leafIndex)], KeptTree.placeBytes);
  const siblings = KeptTree.siblingsOf(Number(place));
  const path = [...(await read(siblings.map(KeptTree.nodeOffset), KeptTree.nodeBytes))];
  const root = rootOfPath(leafHash(leaf), path);
  if (root !== merkleRoot)
    throw new Error(
      `the tree of batch ${batchKey} leads from leaf ${leafIndex} to ${root} instead of ${merkleRoot}`,
    );
  return path;
}

/** The registration that the verifier counts by, as its event says. */
async function readRegistration(
  transaction: ReadTransaction,
  proofs: ProofTables,
  { chainId }: Moment,
  teeId: Hex,
): Promise<Receipt["registration"]> {
  const [row] = await transaction.rows<NonNullable<Receipt["registration"]>>(sql`
    select e.registry, e.tx_hash as "txHash", e.log_index as "logIndex", e.block_number as "blockNumber",
      e.timestamp as "registeredAt", e.account as owner, e.tee_type as "teeType"
    from ${proofs.registration} r
    join og.registry_event e on e.chain_id = r.chain_id and e.block_number = r.block_number
      and e.log_index = r.log_index and e.tee_id = r.tee_id and e.kind = 'registered'
    where r.chain_id = ${chainId} and r.tee_id = ${teeId}`);
  return row ?? null;
}

async function readStanding(
  transaction: ReadTransaction,
  moment: Moment,
  { teeId, timestamp }: ProvingRow,
  registry: Hex,
): Promise<Receipt["nodeAtSigning"]> {
  const signing = { teeId, signedAt: toSafeNumber(timestamp) };
  const [node] = await readNodesAtSigning(transaction, moment, [signing], [registry]);
  if (node == null) return { status: null, pcr: null };
  const { status, pcrHash, pcrVersion, pcrApproved } = node;
  return {
    status,
    pcr: pcrHash === null ? null : { hash: pcrHash, version: pcrVersion, approved: pcrApproved },
  };
}
