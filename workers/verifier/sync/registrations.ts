/** Keeps `registration` in sync with the current registry: where each node registered first. */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";
import { advanceRevision, inTransaction, lockDerived } from "../record/transaction.ts";
import type { ChainHead } from "./chainView.ts";

interface Registration {
  readonly teeId: Hex;
  readonly blockNumber: number;
  readonly logIndex: number;
}

interface Stored extends Registration {
  readonly chainId: number;
  readonly registry: Hex;
}

export interface RegistrationChanges {
  /** New registrations, and those whose place changed. */
  readonly moved: readonly Registration[];
  readonly vanished: readonly Stored[];
}

/** @param registry - the current one: the first that is configured. */
export async function compareRegistrations(
  client: pg.ClientBase,
  chainId: number,
  registry: Hex,
  head: ChainHead,
): Promise<RegistrationChanges> {
  const { rows: onChain } = await client.query<Registration>(
    `select distinct on (tee_id) tee_id as "teeId", block_number::float8 as "blockNumber", log_index as "logIndex"
     from og.registry_event where chain_id = $1 and registry = $2 and kind = 'registered' and tee_id is not null
     order by tee_id, block_number, log_index`,
    [chainId, registry],
  );
  const { rows: stored } = await client.query<Stored>(
    `select chain_id as "chainId", registry, tee_id as "teeId", block_number::float8 as "blockNumber", log_index as "logIndex"
     from proofs.registration order by chain_id, tee_id`,
  );
  const current = new Map(
    stored
      .filter((row) => row.chainId === chainId && row.registry === registry)
      .map((row) => [row.teeId, row]),
  );
  const wanted = new Set(onChain.map(({ teeId }) => teeId));
  return {
    moved: onChain.filter(({ teeId, blockNumber, logIndex }) => {
      const known = current.get(teeId);
      return known?.blockNumber !== blockNumber || known.logIndex !== logIndex;
    }),
    vanished: stored.filter((row) => {
      if (row.chainId !== chainId) return true;
      if (wanted.has(row.teeId)) return false; // moved, if anything
      return row.registry !== registry || (head.ready && row.blockNumber <= head.blockNumber);
    }),
  };
}

/** Marks every settlement whose verdict involves the node: individual ones, and batches with one of its leaves. */
const MARK_SETTLEMENTS = `insert into proofs.dirty (kind, key, start_at)
  select 'settlement', t.chain_id || '-' || t.block_number || '-' || t.log_index, 0
  from proofs.inference i join proofs.settled t on t.inference_id = i.id where i.tee_id = $1
  union
  select 'settlement', t.chain_id || '-' || t.block_number || '-' || t.log_index, 0
  from proofs.inference i join proofs.leaf l on l.inference_id = i.id join proofs.settled t on t.batch_key = l.batch_key
  where i.tee_id = $1
  on conflict do nothing`;

/** One transaction per node: each may touch many settlements. */
export async function applyRegistrations(
  pool: pg.Pool,
  chainId: number,
  registry: Hex,
  { moved, vanished }: RegistrationChanges,
): Promise<void> {
  for (const row of vanished)
    await inTransaction(pool, async (client) => {
      await lockDerived(client);
      await client.query("delete from proofs.registration where chain_id = $1 and tee_id = $2", [
        row.chainId,
        row.teeId,
      ]);
      await client.query(MARK_SETTLEMENTS, [row.teeId]);
      await advanceRevision(client);
    });
  for (const { teeId, blockNumber, logIndex } of moved)
    await inTransaction(pool, async (client) => {
      await lockDerived(client);
      await client.query(
        `insert into proofs.registration (chain_id, tee_id, registry, block_number, log_index) values ($1, $2, $3, $4, $5)
         on conflict (chain_id, tee_id) do update
         set registry = excluded.registry, block_number = excluded.block_number, log_index = excluded.log_index`,
        [chainId, teeId, registry, blockNumber, logIndex],
      );
      await client.query(MARK_SETTLEMENTS, [teeId]);
      await advanceRevision(client);
    });
}
