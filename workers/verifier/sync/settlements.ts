/** Keeps `settled` in sync with the settlements on chain, adding and removing rows, and queues jobs for new contents. */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";
import { batchKey, inferenceId, payloadKey, signatureKey } from "../../../proofs/inference.ts";
import { markPlaces } from "../derive/buckets.ts";
import { deriveVerdicts, type SettlementPlace } from "../derive/verdicts.ts";
import { advanceRevision, inTransaction, lockDerived } from "../record/transaction.ts";
import type { ChainHead } from "./chainView.ts";

interface Place extends SettlementPlace {
  readonly blockHash: Hex;
  readonly txHash: Hex;
  readonly relayer: Hex;
  readonly settledAt: number;
}

interface Individual extends Place {
  readonly kind: "individual";
  readonly teeId: Hex;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  /** A uint256 in decimal. */
  readonly timestamp: string;
  readonly signature: Hex;
  readonly claimedPayer: Hex;
  readonly blobIdHex: Hex;
}

interface Batch extends Place {
  readonly kind: "batch";
  readonly merkleRoot: Hex;
  /** A uint256 in decimal. */
  readonly batchSize: string;
  readonly blobIdHex: Hex;
}

type Settlement = Individual | Batch;

/** Settlements compared and written at once. */
export const PAGE = 500;
/** Hex digits of blob ids and signatures in a page: their authors choose the length. */
const PAGE_DIGITS = 16 * 1024 * 1024;

/** The differences between the chain and `settled` in a range of blocks. */
export interface Differences {
  readonly arrived: readonly Settlement[];
  readonly vanished: readonly SettlementPlace[];
  /** The range's last block; null when the range reaches the end of the chain. */
  readonly lastBlock: number | null;
}

const CHAIN = `og.settlement c join og.block b on b.chain_id = c.chain_id and b.number = c.block_number`;
const ON_CHAIN = "c.chain_id = $1 and c.block_number between $2 and $3 and c.kind in ('individual', 'batch')";
const LARGEST = Number.MAX_SAFE_INTEGER;

/** Finds the end of the page that begins at block $2: the first settlement that no longer fits. */
const BEYOND_PAGE = `
  select block_number::float8 as block from (
    select block_number, log_index, row_number() over place as number,
      sum(coalesce(octet_length(blob_id_hex), 0) + coalesce(octet_length(signature), 0)) over place as digits
    from (
      select block_number, log_index, blob_id_hex, signature from og.settlement
      where chain_id = $1 and block_number >= $2 order by block_number, log_index limit ${PAGE + 1}) s
    window place as (order by block_number, log_index)) s
  where number > ${PAGE} or digits > ${PAGE_DIGITS}
  order by block_number, log_index limit 1`;

/** Compares about one page of settlements, starting at `fromBlock`. */
export async function compare(
  client: pg.ClientBase,
  chainId: number,
  head: ChainHead,
  fromBlock: number,
): Promise<Differences> {
  const { rows: beyond } = await client.query<{ block: number }>(BEYOND_PAGE, [chainId, fromBlock]);
  // a page ends at a block boundary; a single block with more settlements than that is bounded by its gas
  const lastBlock = beyond[0] === undefined ? null : Math.max(fromBlock, beyond[0].block - 1);
  const range = [chainId, fromBlock, lastBlock ?? LARGEST];
  const { rows: arrived } = await client.query<Settlement>(
    `select c.kind, c.chain_id as "chainId", c.block_number::float8 as "blockNumber", c.log_index as "logIndex",
       b.hash as "blockHash", c.tx_hash as "txHash", c.relayer, c.settled_at::float8 as "settledAt", c.tee_id as "teeId",
       c.input_hash as "inputHash", c.output_hash as "outputHash", c.signed_at::text as timestamp, c.signature,
       c.claimed_payer as "claimedPayer", c.blob_id_hex as "blobIdHex", c.merkle_root as "merkleRoot",
       c.batch_size::text as "batchSize"
     from ${CHAIN} left join proofs.settled p on (p.chain_id, p.block_number, p.log_index) = (c.chain_id, c.block_number, c.log_index)
     where ${ON_CHAIN} and (p.block_hash, p.tx_hash) is distinct from (b.hash, c.tx_hash)
     order by c.block_number, c.log_index`,
    range,
  );
  // rows of blocks that are not indexed yet are not missing
  const { rows: vanished } = !head.ready
    ? { rows: [] }
    : await client.query<SettlementPlace>(
        `select p.chain_id as "chainId", p.block_number::float8 as "blockNumber", p.log_index as "logIndex"
         from proofs.settled p
         where p.chain_id = $1 and p.block_number between $2 and least($3::int8, $4::int8) and not exists (
           select from ${CHAIN} where ${ON_CHAIN} and (c.block_number, c.log_index) = (p.block_number, p.log_index))
         order by p.block_number, p.log_index`,
        [...range, head.blockNumber],
      );
  return { arrived, vanished, lastBlock };
}

/** Lists rows of `settled` under another chain id than the configured one. */
export async function ofOtherChains(client: pg.ClientBase, chainId: number): Promise<SettlementPlace[]> {
  const { rows } = await client.query<SettlementPlace>(
    `select chain_id as "chainId", block_number::float8 as "blockNumber", log_index as "logIndex"
     from proofs.settled where chain_id <> $1 order by 1, 2, 3 limit ${PAGE}`,
    [chainId],
  );
  return rows;
}

interface Keys {
  readonly inferenceId: Hex | null;
  readonly signatureKey: Hex | null;
  readonly payloadKey: Hex | null;
  readonly batchKey: Hex | null;
}

function keysOf(settlement: Settlement): Keys {
  if (settlement.kind === "batch")
    return {
      inferenceId: null,
      signatureKey: null,
      payloadKey: null,
      batchKey: batchKey(settlement.merkleRoot, settlement.blobIdHex),
    };
  const id = inferenceId({ ...settlement, timestamp: BigInt(settlement.timestamp) });
  return {
    inferenceId: id,
    signatureKey: signatureKey(id, settlement.signature),
    payloadKey: payloadKey(id, settlement.blobIdHex),
    batchKey: null,
  };
}

/** A decimal uint256, clamped to what a number holds. */
const clamped = (timestamp: string): string =>
  BigInt(timestamp) > BigInt(LARGEST) ? String(LARGEST) : timestamp;

const byKey =
  <T>(keyOf: (item: T) => string | null) =>
  (a: T, b: T) =>
    (keyOf(a) ?? "") < (keyOf(b) ?? "") ? -1 : 1;

/** Removes what vanished and adds what arrived, one transaction per page. */
export async function apply(pool: pg.Pool, { arrived, vanished }: Differences): Promise<void> {
  for (let from = 0; from < vanished.length; from += PAGE)
    await remove(pool, vanished.slice(from, from + PAGE));
  for (let from = 0; from < arrived.length; from += PAGE) await add(pool, arrived.slice(from, from + PAGE));
}

const remove = (pool: pg.Pool, places: readonly SettlementPlace[]): Promise<void> =>
  inTransaction(pool, async (client) => {
    await lockDerived(client);
    await markPlaces(client, places);
    await client.query(DELETE, placesOf(places));
    await advanceRevision(client);
  });

const DELETE = `delete from proofs.settled s using unnest($1::int4[], $2::int8[], $3::int4[]) as p(chain_id, block_number, log_index)
  where (s.chain_id, s.block_number, s.log_index) = (p.chain_id, p.block_number, p.log_index)`;

const placesOf = (places: readonly SettlementPlace[]) => [
  places.map(({ chainId }) => chainId),
  places.map(({ blockNumber }) => blockNumber),
  places.map(({ logIndex }) => logIndex),
];

const add = (pool: pg.Pool, settlements: readonly Settlement[]): Promise<void> =>
  inTransaction(pool, async (client) => {
    const withKeys = settlements.map((settlement) => ({ settlement, keys: keysOf(settlement) }));
    const individuals = withKeys.flatMap(({ settlement, keys }) =>
      settlement.kind === "individual" ? [{ ...settlement, ...keys }] : [],
    );
    const batches = withKeys.flatMap(({ settlement, keys }) =>
      settlement.kind === "batch" ? [{ ...settlement, ...keys }] : [],
    );
    await addInferences(client, individuals);
    await addPayloads(client, individuals);
    await addBatches(client, batches);

    await lockDerived(client);
    // after a reorg, another settlement may have been at the same place
    await markPlaces(client, settlements);
    await client.query(DELETE, placesOf(settlements));
    await client.query(
      `insert into proofs.settled (chain_id, block_number, log_index, block_hash, tx_hash, kind, relayer, settled_at, batch_key,
         batch_size, inference_id, signature_key, payload_key, claimed_payer, signed_at, verdict)
       select *, 'pending' from unnest($1::int4[], $2::int8[], $3::int4[], $4::text[], $5::text[], $6::text[], $7::text[],
         $8::int8[], $9::text[], $10::numeric[], $11::text[], $12::text[], $13::text[], $14::text[], $15::int8[])`,
      [
        ...placesOf(settlements),
        settlements.map(({ blockHash }) => blockHash),
        settlements.map(({ txHash }) => txHash),
        settlements.map(({ kind }) => kind),
        settlements.map(({ relayer }) => relayer),
        settlements.map(({ settledAt }) => settledAt),
        withKeys.map(({ keys }) => keys.batchKey),
        settlements.map((settlement) => (settlement.kind === "batch" ? settlement.batchSize : null)),
        withKeys.map(({ keys }) => keys.inferenceId),
        withKeys.map(({ keys }) => keys.signatureKey),
        withKeys.map(({ keys }) => keys.payloadKey),
        settlements.map((settlement) => (settlement.kind === "individual" ? settlement.claimedPayer : null)),
        settlements.map((settlement) =>
          settlement.kind === "individual" ? clamped(settlement.timestamp) : null,
        ),
      ],
    );
    await deriveVerdicts(client, settlements);
    await markPlaces(client, settlements);
    await advanceRevision(client);
  });

/** Adds inferences and their undecided signatures; sync/keys.ts queues jobs for those whose key is known. */
async function addInferences(
  client: pg.ClientBase,
  individuals: readonly (Individual & Keys)[],
): Promise<void> {
  if (individuals.length === 0) return;
  const sorted = individuals.toSorted(byKey(({ inferenceId }) => inferenceId));
  await client.query(
    `insert into proofs.inference as i (id, tee_id, input_hash, output_hash, timestamp, signed_at)
     select distinct on (id) id, tee_id, input_hash, output_hash, t, least(t, ${LARGEST})::int8
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[]) as u(id, tee_id, input_hash, output_hash, t)
     order by id
     on conflict (id) do update set id = excluded.id`, // locks the row: its signatures are about to change
    [
      sorted.map(({ inferenceId }) => inferenceId),
      sorted.map(({ teeId }) => teeId),
      sorted.map(({ inputHash }) => inputHash),
      sorted.map(({ outputHash }) => outputHash),
      sorted.map(({ timestamp }) => timestamp),
    ],
  );
  await client.query(
    `with added as (
       insert into proofs.signature (key, inference_id, tee_id, signature)
       select distinct on (key) * from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as u(key, inference_id, tee_id, signature)
       order by key on conflict do nothing returning inference_id)
     update proofs.inference i set signature_valid = null from added where i.id = added.inference_id and not i.signature_valid`,
    [
      sorted.map(({ signatureKey }) => signatureKey),
      sorted.map(({ inferenceId }) => inferenceId),
      sorted.map(({ teeId }) => teeId),
      sorted.map(({ signature }) => signature),
    ],
  );
}

async function addPayloads(
  client: pg.ClientBase,
  individuals: readonly (Individual & Keys)[],
): Promise<void> {
  if (individuals.length === 0) return;
  await client.query(
    `with added as (
       insert into proofs.payload (key, inference_id, blob_id_hex, state)
       select distinct on (key) u.*, 'pending' from unnest($1::text[], $2::text[], $3::text[]) as u(key, inference_id, blob_id_hex)
       order by key on conflict do nothing returning key)
     insert into proofs.job (kind, key, run_at) select 'payload', key, now() from added order by key on conflict do nothing`,
    [
      individuals.map(({ payloadKey }) => payloadKey),
      individuals.map(({ inferenceId }) => inferenceId),
      individuals.map(({ blobIdHex }) => blobIdHex),
    ],
  );
}

async function addBatches(client: pg.ClientBase, batches: readonly (Batch & Keys)[]): Promise<void> {
  if (batches.length === 0) return;
  await client.query(
    `with added as (
       insert into proofs.batch (key, merkle_root, blob_id_hex, state)
       select distinct on (key) u.*, 'pending' from unnest($1::text[], $2::text[], $3::text[]) as u(key, merkle_root, blob_id_hex)
       order by key on conflict do nothing returning key)
     insert into proofs.job (kind, key, run_at) select 'batch', key, now() from added order by key on conflict do nothing`,
    [
      batches.map(({ batchKey }) => batchKey),
      batches.map(({ merkleRoot }) => merkleRoot),
      batches.map(({ blobIdHex }) => blobIdHex),
    ],
  );
}
