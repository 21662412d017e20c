/**
 * A network's history straight into Postgres, as the indexer would have left it: nodes that register over three months and
 * sign every 15 minutes, each with an outage now and then, some with one every hour, relayed by a few.
 */
import { ChainTables, hash, OG_CHAIN_ID } from "../../api/testing/worlds/chainTables.ts";
import { REGISTRY } from "../../api/testing/worlds/registryHistory.ts";
import { generateNode } from "../nodeKeys.ts";

export interface HistorySize {
  readonly nodes: number;
  readonly days: number;
  /** Unix seconds of the newest block. */
  readonly endsAt: number;
  /**
   * How many of the last days have every node's heartbeats. Before them only one node in a hundred has, which leaves the
   * relayers' silences, the gaps and everything else that is read as they were, and spares 80 million rows.
   */
  readonly fullDays: number;
}

export const BLOCK_SECONDS = 4;
const MAX_AGE_SECONDS = 1_800;
const DAY = 86_400;
const INTERVAL = MAX_AGE_SECONDS / 2;
const NODES_PER_OPERATOR = 10;
const RELAYERS = 3;
/** One node in so many is down for half an hour in every hour. */
const FLAPPING_EVERY = 50;
const SPARSE_EVERY = 100;
/** The indexer's schema as far as notices are concerned. */
const DEPLOYMENT = "og_bench";

/** A full hour, so that flapping nodes are down in the same half of every hour. */
const beginOf = ({ days, endsAt }: HistorySize): number => {
  const begin = endsAt - days * DAY;
  return begin - (begin % 3_600);
};
/** The newest block that is not after a second. */
export const blockAt = (size: HistorySize, time: number): number =>
  Math.floor((time - beginOf(size)) / BLOCK_SECONDS);
export const timeOf = (size: HistorySize, block: number): number => beginOf(size) + block * BLOCK_SECONDS;

/** Fills an empty database. */
export async function writeHistory(url: string, size: HistorySize): Promise<void> {
  const tables = await ChainTables.create(url);
  try {
    await writeNodes(tables, size);
    await writeRows(tables, size);
    const block = blockAt(size, size.endsAt);
    await tables.setHead("og", block, timeOf(size, block));
    await tables.setHead("base", 1, timeOf(size, block));
    await tables.client.query(
      "insert into indexer.deployments (schema, chain, created_at, started_at, published_at) values ($1, 'og', now(), now(), now())",
      [DEPLOYMENT],
    );
    await tables.client.query("vacuum analyze");
  } finally {
    await tables.close();
  }
}

/** A table of the nodes' numbers, from which everything else follows. */
async function writeNodes({ client }: ChainTables, size: HistorySize): Promise<void> {
  const { nodes, days } = size;
  await client.query(`create table public.bench_node (index int primary key, tee_id text, owner text, relayer text,
    registered_at bigint, flaps boolean, sparse boolean, public_key text, certificate text, ohttp_key text)`);
  const perInsert = 500;
  for (let from = 0; from < nodes; from += perInsert) {
    const indexes = Array.from({ length: Math.min(perInsert, nodes - from) }, (_, offset) => from + offset);
    const made = indexes.map(generateNode);
    await client.query(
      `insert into public.bench_node
       select i, tee_id, '0x' || lpad(to_hex(i / $6), 40, '0'), '0x' || lpad(to_hex(i % $7), 40, 'e'),
         -- most nodes were there from the first days on, the rest came over time
         $8::bigint + case when i % 5 < 4 then (i * 37 % 5) * 86400 + i * 7 % 86400
           else (i::bigint * 7919 % $9) * 86400 + i * 13 % 86400 end,
         i % $10 = 0, i % $11 = 1, public_key, certificate, ohttp_key
       from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[])
         made (i, tee_id, public_key, certificate, ohttp_key)`,
      [
        indexes,
        made.map(({ teeId }) => teeId),
        made.map(({ publicKey }) => publicKey),
        made.map(({ certificate }) => certificate),
        made.map(({ ohttpKey }) => ohttpKey),
        NODES_PER_OPERATOR,
        RELAYERS,
        beginOf(size),
        Math.max(1, days - 1),
        FLAPPING_EVERY,
        SPARSE_EVERY,
      ],
    );
  }
}

async function writeRows({ client }: ChainTables, size: HistorySize): Promise<void> {
  const begins = beginOf(size);
  const head = blockAt(size, size.endsAt);
  const ends = timeOf(size, head);
  const fullFrom = ends - size.fullDays * DAY;
  const chain = OG_CHAIN_ID;
  const registry = REGISTRY;
  const pcr = hash("pcr-one");
  const blockOf = (time: string) => `(${time} - ${begins}) / ${BLOCK_SECONDS}`;
  const statements = [
    `insert into og.block (chain_id, number, hash, timestamp)
     select ${chain}, n, '0x' || lpad(to_hex(n), 64, '0'), ${begins} + n * ${BLOCK_SECONDS}
     from generate_series(0, ${head}) n`,
    `insert into og.heartbeat_max_age (chain_id, registry, ordinal, value_seconds, value, from_block, from_at, precision)
     values (${chain}, '${registry}', 0, ${MAX_AGE_SECONDS}, ${MAX_AGE_SECONDS}, 0, ${begins}, 'exact')`,
    `insert into og.tee_type (chain_id, registry, type_id, name, name_hex, added_at, added_block)
     values (${chain}, '${registry}', 0, 'LLMProxy', '0x4c4c4d50726f7879', ${begins}, 0)`,
    `insert into og.registry_event (chain_id, block_number, log_index, registry, kind, timestamp, tx_hash, sender, signature,
       tee_type, pcr_hash, label)
     values (${chain}, 0, 0, '${registry}', 'pcr-approved', ${begins}, '0x', '0x', 'PCRApproved(bytes32,uint8,string)', 0,
       '${pcr}', 'v1')`,
    `insert into og.registry_event (chain_id, block_number, log_index, registry, kind, timestamp, tx_hash, sender, signature,
       tee_id, tee_type, account)
     select ${chain}, ${blockOf("registered_at")}, index + 1, '${registry}', 'registered', registered_at, '0x', owner,
       'TEERegistered(bytes32,address,uint8)', tee_id, 0, owner from public.bench_node`,
    `insert into og.node (chain_id, registry, tee_id, owner, tee_type, registered_at, registered_block, registered_log_index,
       registered_tx_hash, payment_address, endpoint, endpoint_hex, endpoint_host, public_key, tls_certificate, pcr_hash,
       ohttp_key_id, ohttp_kem_id, ohttp_kdf_id, ohttp_aead_id, ohttp_public_key, ohttp_key_config, ohttp_registered_at,
       record_source, status_block, status_log_index, status_tx_hash)
     select ${chain}, '${registry}', tee_id, owner, 0, registered_at, ${blockOf("registered_at")}, index + 1, '0x',
       owner, 'https://node-' || index || '.example:8443',
       '0x' || encode(convert_to('https://node-' || index || '.example:8443', 'UTF8'), 'hex'),
       'node-' || index || '.example:8443', public_key, certificate, '${pcr}',
       1, 32, 1, 1, ohttp_key, '0x01' || substr(ohttp_key, 3), registered_at,
       'call', ${blockOf("registered_at")}, index + 1, '0x' from public.bench_node`,
    // Every 15 minutes, each at a phase of its own; nodes that flap miss every other pair.
    `insert into og.heartbeat (chain_id, block_number, log_index, registry, tee_id, received_at, signed_at, latest_signed_at,
       repeated, relayer, tx_hash, heartbeats_so_far, repeated_so_far, lateness_seconds_so_far)
     select ${chain}, ${blockOf("beat.at")}, index, '${registry}', tee_id, beat.at, beat.at, beat.at, false, relayer,
       '0x', row_number() over (partition by tee_id order by beat.at), 0, 0
     from public.bench_node n
     cross join lateral generate_series(
       greatest(registered_at, case when sparse then ${begins} else ${fullFrom} end)
         / ${INTERVAL} * ${INTERVAL} + ${INTERVAL} + index * 7 % ${INTERVAL}, ${ends}, ${INTERVAL}) beat (at)
     where not (flaps and beat.at / ${INTERVAL} % 4 >= 2)
     order by beat.at, index`,
    `insert into og.proved_gap (chain_id, registry, tee_id, ordinal, last_signed_at, next_signed_at, max_age_seconds, known_at)
     select ${chain}, '${registry}', tee_id, row_number() over (partition by tee_id order by gap.from_at) - 1, gap.from_at,
       gap.from_at + gap.length, ${MAX_AGE_SECONDS}, gap.from_at + gap.length
     from public.bench_node n
     cross join lateral (
       select at + index * 7 % ${INTERVAL} as from_at, 2700 as length
       from generate_series(registered_at / 3600 * 3600 + 4500, ${ends} - 3600, 3600) at where flaps
       union all
       select at, 1800 + (at + index) % 7200
       from generate_series(registered_at + 20000 + index * 997 % 864000, ${fullFrom} - 10000, 864000) at where not flaps
     ) gap`,
    `insert into og.node_liveness (chain_id, registry, tee_id, enabled, removed, last_heartbeat_at, last_signed_at,
       last_signed_max_age_seconds, active_from, active_until, closed_intervals, proved_gaps, max_age_seconds,
       recent_signed_at, journal, journal_rolls_at_block, heartbeats, repeated_heartbeats, lateness_seconds,
       settlements, settlement_latency_seconds)
     select ${chain}, '${registry}', tee_id, true, false, h.at, h.at, ${MAX_AGE_SECONDS}, registered_at,
       h.at + ${MAX_AGE_SECONDS + 1}, 0, 0, ${MAX_AGE_SECONDS}, '', '', 0, 0, 0, 0, 0, 0
     from public.bench_node n
     cross join lateral (
       select coalesce((select h.received_at from og.heartbeat h where h.tee_id = n.tee_id
         order by h.block_number desc limit 1), registered_at) as at
     ) h`,
  ];
  for (const statement of statements) await client.query(statement);
}

/** A node's turn to be heard, as a condition on a second: every 15 minutes, but for those that are down just then. */
const isDue = (time: string) =>
  `(${time} - index * 7 % ${INTERVAL}) % ${INTERVAL} < ${BLOCK_SECONDS} and not (flaps and ${time} / ${INTERVAL} % 4 >= 2)`;

/**
 * A block of the chain: the heartbeats of the nodes whose turn it is, committed and told of like a live one.
 * @returns when it was committed, milliseconds of `performance.now()`.
 */
export async function writeBlock(tables: ChainTables, size: HistorySize, block: number): Promise<number> {
  const { client } = tables;
  const time = timeOf(size, block);
  await client.query("begin");
  await client.query(
    `insert into og.block (chain_id, number, hash, timestamp) values ($1, $2, '0x' || lpad(to_hex($2::bigint), 64, '0'), $3)`,
    [OG_CHAIN_ID, block, time],
  );
  await client.query(
    `insert into og.heartbeat (chain_id, block_number, log_index, registry, tee_id, received_at, signed_at, latest_signed_at,
       repeated, relayer, tx_hash, heartbeats_so_far, repeated_so_far, lateness_seconds_so_far)
     select $1::int, $2::bigint, index, $3, tee_id, $4::bigint, $4, $4, false, relayer, '0x', 0, 0, 0
     from public.bench_node where ${isDue("$4::bigint")}`,
    [OG_CHAIN_ID, block, REGISTRY, time],
  );
  await client.query(
    `update og.node_liveness l set last_heartbeat_at = $1::bigint, last_signed_at = $1, active_until = $1 + $2
     from public.bench_node n where n.tee_id = l.tee_id and ${isDue("$1::bigint")}`,
    [time, MAX_AGE_SECONDS + 1],
  );
  await tables.setHead("og", block, time);
  await client.query("select pg_notify($1, '[]')", [`${DEPLOYMENT}_live_query`]);
  await client.query("commit");
  return performance.now();
}
