/**
 * The same questions as plain statements over the tables: no sums, no pages, no shared conditions, each row looked at by itself.
 * Slow, and unlike `api/queries` on purpose. Columns have the names of REST's fields. For tests only.
 */

import { HEAD } from "../worlds/networkWorld.ts";
import { REGISTRY } from "../worlds/registryHistory.ts";
import type { Values } from "./comparedLists.ts";

/** The statement that answers a question. */
export type PlainSql = (given: Values) => string;

/** A question's value as a literal; only for values that tests make up. */
export function literal(value: unknown): string {
  if (value === undefined || value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return `'${String(value).replaceAll("'", "''")}'`;
}

/** Conditions of the filters that are given. */
const filtered = (given: Values, columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .filter(([name]) => given[name] !== undefined)
    .map(([name, condition]) => ` and ${condition.replaceAll("?", literal(given[name]))}`)
    .join("");

const eventId = (alias: string) =>
  `${alias}.chain_id || '-' || ${alias}.tx_hash || '-' || ${alias}.log_index`;
const between = (column: string) => ({ from: `${column} >= ?`, to: `${column} < ?` });
const inRegistry = ({ registry = REGISTRY }: Values, alias: string): string =>
  registry === "all" ? "true" : `${alias}.registry = ${literal(registry)}`;

const NOW = String(HEAD);

/** Whether a payment `p` says something about demand. */
const ORGANIC = `(p.payer <> p.payee and p.payer <> p.facilitator
  and p.payer not in (select n.payment_address from og.node n)
  and p.payer not in (select h.relayer from og.heartbeat h)
  and p.payer not in (select s.relayer from og.settlement s)
  and p.payer not in (select r.account from og.role r)
  and not exists (select from og.node n where n.payment_address = p.payee and n.owner = p.payer))`;

/** Inferences `i` that count: validly signed, and settled on chain by a leaf or by themselves. */
const PLACES = `
  select p.inference_id, p.block_number, p.log_index, null::int as leaf_index, p.claimed_payer, g.valid
    from proofs.settled p join proofs.signature g on g.key = p.signature_key where p.kind = 'individual'
  union all
  select l.inference_id, p.block_number, p.log_index, l.leaf_index, null, l.valid
    from proofs.settled p join proofs.leaf l on l.batch_key = p.batch_key where p.kind = 'batch'`;

const VERDICT = `coalesce(
  (select p.verdict from proofs.settled p where p.block_number = s.block_number and p.log_index = s.log_index),
  case s.kind when 'legacy' then 'unverifiable' else 'pending' end)`;

/** The newest event of a node `n`, of some kinds, up to a second. */
const newest = (kinds: string, same: string, at: string) => `(
  select e.kind from og.registry_event e
  where e.kind in (${kinds}) and e.registry = n.registry and ${same} and e.timestamp <= ${at}
  order by e.block_number desc, e.log_index desc limit 1)`;

/** The contract's rule and the owner's switch, for a node `n` at a second. A PCR that nothing is known of was approved before. */
function statusAt(at: string): string {
  const pcr = newest(
    "'pcr-approved', 'pcr-revoked'",
    "e.pcr_hash = n.pcr_hash and e.tee_type = n.tee_type",
    at,
  );
  const isApproved = `coalesce(${pcr} = 'pcr-approved', true)`;
  const isEnabled = `${newest("'registered', 'enabled', 'disabled'", "e.tee_id = n.tee_id", at)} <> 'disabled'`;
  const same = (alias: string) => `${alias}.tee_id = n.tee_id and ${alias}.registry = n.registry`;
  const isAlive = `(
    exists (select from og.active_interval a where ${same("a")} and ${at} >= a.from_at and ${at} < a.until_at)
    or exists (select from og.node_liveness l where ${same("l")} and ${at} >= l.active_from and ${at} < l.active_until))`;
  return `case when ${isAlive} and ${isApproved} and ${isEnabled} then 'active'
    when not ${isApproved} then 'revoked' when not ${isEnabled} then 'disabled' else 'stale' end`;
}

export const PLAIN_LISTS: Readonly<Record<string, PlainSql>> = {
  nodes: (given) => {
    const at = given.at === undefined ? NOW : literal(given.at);
    return `select n.tee_id as "teeId", n.registry, n.owner, n.registered_at::int as "registeredAt", ${statusAt(at)} as status
      from og.node n where n.registered_at <= ${at} and ${inRegistry(given, "n")}
      ${filtered(given, {
        teeType: "n.tee_type = ?",
        status: `${statusAt(at)} = ?`,
        owner: "n.owner = ?",
        paymentAddress: "n.payment_address = ?",
        pcrHash: "n.pcr_hash = ?",
      })}
      order by n.registered_block desc, n.registered_log_index desc`;
  },
  settlements: (given) => `
    select ${eventId("s")} as id, s.kind, s.relayer, s.settled_at::int as "settledAt", s.tee_id as "teeId",
      s.claimed_payer as "claimedPayer", s.merkle_root as "merkleRoot", ${VERDICT} as verdict
    from og.settlement s where true
    ${filtered(given, {
      kind: "s.kind = ?",
      teeId: "s.tee_id = ?",
      payer: "s.claimed_payer = ?",
      relayer: "s.relayer = ?",
      verdict: `${VERDICT} = ?`,
      merkleRoot: "s.merkle_root = ?",
      txHash: "s.tx_hash = ?",
      blobId: "s.blob_id = ?",
      ...between("s.settled_at"),
    })}
    order by s.block_number desc, s.log_index desc`,
  inferences: (given) => `
    select i.id, i.tee_id as "teeId", i.input_hash as "inputHash", i.model, i.signed_at::int as "signedAt",
      i.signature_valid as "signatureValid",
      i.id in (select inference_id from (${PLACES}) place where valid) as counted, i.prompt_tokens::int as "promptTokens"
    from proofs.inference i where i.id in (select inference_id from (${PLACES}) place)
    ${filtered(given, {
      teeId: "i.tee_id = ?",
      payer: `i.id in (select inference_id from (${PLACES}) place where claimed_payer = ?)`,
      inputHash: "i.input_hash = ?",
      outputHash: "i.output_hash = ?",
      model: "i.model = ?",
      signatureValid: "i.signature_valid = ?",
      counted: `(i.id in (select inference_id from (${PLACES}) place where valid)) = ?`,
      ...between("i.signed_at"),
    })}
    order by i.signed_at desc, i.id desc`,
  models: (given) => `
    select model, inferences, "promptTokens", "completionTokens", nodes, "firstSeenAt", "lastSeenAt" from (
      select i.model, count(*)::int as inferences, sum(i.prompt_tokens)::int as "promptTokens",
        sum(i.completion_tokens)::int as "completionTokens", count(distinct i.tee_id)::int as nodes,
        min(i.signed_at)::int as "firstSeenAt", max(i.signed_at)::int as "lastSeenAt"
      from proofs.inference i
      where i.model is not null and i.id in (select inference_id from (${PLACES}) place where valid)
      ${filtered(given, between("i.signed_at"))} group by i.model) m
    order by ${given.sort === "inferences" ? "inferences" : '"lastSeenAt"'} desc, model collate "C" desc`,
  payments: (given) => `
    select ${eventId("p")} as id, p.paid_at::int as "paidAt", p.scheme, p.token, p.payer, p.payee, p.amount::text as amount,
      ${ORGANIC} as organic
    from base.payment p where true
    ${filtered(given, {
      payer: "p.payer = ?",
      payee: "p.payee = ?",
      facilitator: "p.facilitator = ?",
      token: "p.token = ?",
      scheme: "p.scheme = ?",
      ...between("p.paid_at"),
    })}
    order by p.block_number desc, p.log_index desc`,
  channels: (given) => {
    const last = (column: string) =>
      `(select e.${column} from base.channel_event e where e.channel_id = c.channel_id order by e.block_number desc, e.log_index desc limit 1)`;
    const state = `case when coalesce(${last("closed_after")}, false) then 'closed'
      when ${last("pending_withdrawal_amount_after")} > 0 then 'withdrawing' else 'open' end`;
    return `select c.channel_id as "channelId", c.payer, c.receiver, c.token, c.created_at::int as "createdAt",
        ${last("balance_after")}::text as balance, ${state} as state
      from base.channel c where true
      ${filtered(given, {
        payer: "c.payer = ?",
        payee: "c.receiver = ?",
        token: "c.token = ?",
        scheme: "? = 'batch-settlement'",
        state: `${state} = ?`,
        ...between("c.created_at"),
      })}
      order by c.created_block desc, c.created_log_index desc`;
  },
  operators: (given) => `
    select n.owner as address, min(n.registered_at)::int as "firstRegisteredAt", count(*)::int as "nodes.total",
      (count(*) filter (where ${statusAt(NOW)} = 'active'))::int as "nodes.active"
    from og.node n where ${inRegistry(given, "n")} group by n.owner
    order by min(n.registered_block) desc, n.owner desc`,
  "heartbeats of a node": (given) => `
    select ${eventId("h")} as id, h.received_at::int as "receivedAt", h.signed_at::int as "signedAt", h.repeated, h.relayer,
      (h.received_at - h.signed_at)::int as "latenessSeconds"
    from og.heartbeat h where h.tee_id = ${literal(given.teeId)} and h.registry = '${REGISTRY}'
    ${filtered(given, { relayer: "h.relayer = ?", ...between("h.received_at") })}
    order by h.block_number desc, h.log_index desc`,
  "events of a node": (given) => `
    select ${eventId("e")} as id, e.timestamp::int as timestamp, e.kind, e.sender
    from og.registry_event e where e.tee_id = ${literal(given.teeId)} and e.registry = '${REGISTRY}'
    ${filtered(given, { kind: "e.kind = ?", ...between("e.timestamp") })}
    order by e.block_number desc, e.log_index desc`,
  onchainInferences: (given) => {
    const mode = "case o.mode when 0 then 'vanilla' when 1 then 'zkml' when 2 then 'tee' end";
    return `select ${eventId("o")} as id, o.timestamp::int as timestamp, o.kind, ${mode} as mode, o.model_cid as "modelCid", o.caller
      from og.onchain_inference o where true
      ${filtered(given, {
        mode: `${mode} = ?`,
        kind: "o.kind = ?",
        modelCid: "o.model_cid = ?",
        caller: "o.caller = ?",
        ...between("o.timestamp"),
      })}
      order by o.block_number desc, o.log_index desc`;
  },
};

/** Payments of raw amounts by token, in the order of the token. */
const volume = (
  where: string,
) => `coalesce((select jsonb_agg(jsonb_build_object('token', v.token, 'raw', v.raw) order by v.token)
  from (select p.token, sum(p.amount)::text as raw from base.payment p where ${where} group by p.token) v), '[]')`;

/** Objects: one row. */
export const PLAIN_OBJECTS: Readonly<Record<string, PlainSql>> = {
  network: (given) => `
    select (select count(*)::int from og.node n where ${inRegistry(given, "n")}) as "nodes.total",
      (select count(*)::int from og.node n where ${inRegistry(given, "n")} and ${statusAt(NOW)} = 'active') as "nodes.active",
      (select count(distinct n.owner)::int from og.node n where ${inRegistry(given, "n")}) as operators,
      (select count(*)::int from og.heartbeat n where ${inRegistry(given, "n")}) as heartbeats,
      (select count(*)::int from og.settlement where kind = 'individual') as "settlements.individual",
      (select count(*)::int from og.settlement where kind = 'batch') as "settlements.batch",
      (select count(*)::int from og.settlement where kind = 'legacy') as "settlements.legacy",
      (select count(*)::int from og.onchain_inference) as "onchainInferences",
      (select count(distinct inference_id)::int from (${PLACES}) place where valid) as inferences,
      (select count(*)::int from base.payment) as payments,
      (select count(distinct payer)::int from base.payment) as payers, ${volume("true")} as volume`,
  payer: ({ address }) => `
    select count(*)::int as payments, min(p.paid_at)::int as "firstPaidAt", max(p.paid_at)::int as "lastPaidAt",
      count(distinct p.payee)::int as "payeeCount", ${volume(`p.payer = ${literal(address)}`)} as spending
    from base.payment p where p.payer = ${literal(address)}`,
  relayer: ({ address }) => `
    select (count(*) filter (where s.kind = 'individual'))::int as "settlements.individual",
      (count(*) filter (where s.kind = 'batch'))::int as "settlements.batch",
      (count(*) filter (where s.kind = 'legacy'))::int as "settlements.legacy"
    from og.settlement s where s.relayer = ${literal(address)}`,
};

/** Of the series' buckets, what each counts. */
const COUNTED: Readonly<Record<string, string>> = {
  heartbeats: `select received_at as at from og.heartbeat where registry = '${REGISTRY}'`,
  registrations: `select timestamp as at from og.registry_event where kind = 'registered' and registry = '${REGISTRY}'`,
  individualSettlements: "select settled_at as at from og.settlement where kind = 'individual'",
  batchSettlements: "select settled_at as at from og.settlement where kind = 'batch'",
  legacySettlements: "select settled_at as at from og.settlement where kind = 'legacy'",
  onchainInferences: "select timestamp as at from og.onchain_inference",
  inferences: `select signed_at as at from proofs.inference where id in (select inference_id from (${PLACES}) place where valid)`,
  payments: "select paid_at as at from base.payment",
};
export const COUNTED_METRICS = Object.keys(COUNTED);

/** A series of counts, from the bucket of `from` to the last one that begins before `to`; null before the chain's first block. */
export const plainSeries: PlainSql = ({ metric, interval, from, to }) => {
  const width = interval === "day" ? 86_400 : 3_600;
  const chain = metric === "payments" ? "base" : "og";
  return `select b.start::int as "startAt", case when b.start + ${width} > (select min(timestamp) from ${chain}.block)
      then (select count(*)::int from (${COUNTED[String(metric)]}) c where c.at >= b.start and c.at < b.start + ${width}) end as value
    from generate_series(${from}::int - ${from}::int % ${width}, ${to}::int - 1, ${width}) b(start) order by 1`;
};
