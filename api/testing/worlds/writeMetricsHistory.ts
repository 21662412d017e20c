/** Writes a metrics history to Postgres as the handlers and the verifier would: rows, running totals and sums. For tests only. */
import { sumBuckets } from "../../../workers/verifier/derive/buckets.ts";
import { DAILY_CAPS } from "../testApi.ts";
import { address, type ChainTables, hash, OG_CHAIN_ID, utf8Hex } from "./chainTables.ts";
import {
  ADMIN,
  BASE_HEAD,
  HEAD,
  type History,
  type HistoryNode,
  isDisabledAt,
  maxAgeAt,
  RELAYER,
  T0,
  txHash,
} from "./metricsHistory.ts";
import { nodeNamed, OTHER_REGISTRY, PCR, REGISTRY } from "./registryHistory.ts";

const HOUR = 3_600;
const DAY = 86_400;
const floor = (at: number, width: number) => at - (at % width);

const ogBlock = (at: number) => 1_000 + (at - (T0 - 5_000)) / 5;
const baseBlock = (at: number) => 5_000 + (at - (T0 - 5_000)) / 2;

/** Places events in blocks: each gets the next log of its block. */
class Chain {
  readonly #logs = new Map<number, number>();
  readonly #times = new Map<number, number>();

  constructor(
    private readonly name: "og" | "base",
    private readonly blockAt: (at: number) => number,
  ) {}

  place(at: number) {
    const blockNumber = Math.floor(this.blockAt(at));
    const logIndex = (this.#logs.get(blockNumber) ?? -1) + 1;
    this.#logs.set(blockNumber, logIndex);
    this.#times.set(blockNumber, at);
    return { blockNumber, logIndex };
  }

  async write(tables: ChainTables) {
    const rows = [...this.#times].map(([number, timestamp]) => ({
      number,
      timestamp,
      hash: txHash("block", number),
    }));
    await tables.insertMany(this.name, "block", rows);
  }
}

/** For each second from `T0` on, whether the contract called a node active: stepping through all of them. */
export function activeSeconds(history: History, one: HistoryNode): Uint8Array {
  const active = new Uint8Array(HEAD + 10_000 - T0);
  const beats = history.heartbeats.filter(({ node }) => node === one).map(({ receivedAt }) => receivedAt);
  const changes = new Set([
    one.registeredAt,
    ...one.switches,
    one.removedAt,
    ...history.maxAges.map(({ fromAt }) => fromAt),
  ]);
  let last = one.registeredAt;
  let next = 0;
  let disabled = false;
  let maxAge = 0;
  for (let at = one.registeredAt; at < T0 + active.length; at++) {
    if (changes.has(at)) {
      disabled = isDisabledAt(one, at);
      maxAge = maxAgeAt(history, at);
    }
    while (next < beats.length && (beats[next] ?? 0) <= at) last = beats[next++] ?? last;
    if (at - last <= maxAge && !disabled) active[at - T0] = 1;
  }
  return active;
}

export async function writeHistory(tables: ChainTables, history: History): Promise<void> {
  const og = new Chain("og", ogBlock);
  const base = new Chain("base", baseBlock);
  await writeRegistry(tables, history, og);
  await writeHeartbeats(tables, history, og);
  await writeSettlements(tables, history, og);
  await writePayments(tables, history, base);
  await writeInferences(tables, history, og);
  await og.write(tables);
  await base.write(tables);
  await tables.setHead("og", Math.floor(ogBlock(HEAD)), HEAD);
  await tables.setHead("base", Math.floor(baseBlock(BASE_HEAD)), BASE_HEAD);
}

async function writeRegistry(tables: ChainTables, history: History, og: Chain): Promise<void> {
  const events: { at: number; kind: string; more: Readonly<Record<string, unknown>> }[] = [
    {
      at: T0 - 500,
      kind: "pcr-approved",
      more: { pcrHash: PCR, teeType: 0, label: "v1", registry: REGISTRY },
    },
    {
      at: T0 - 495,
      kind: "pcr-approved",
      more: { pcrHash: PCR, teeType: 0, label: "v1", registry: OTHER_REGISTRY },
    },
  ];
  for (const one of history.nodes) {
    const more = { teeId: one.teeId, registry: one.registry, account: one.owner };
    events.push({ at: one.registeredAt, kind: "registered", more });
    for (const [index, at] of one.switches.entries())
      events.push({ at, kind: index % 2 === 0 ? "disabled" : "enabled", more });
    if (one.removedAt !== null) events.push({ at: one.removedAt, kind: "removed", more });
  }
  events.sort((a, b) => a.at - b.at);
  const rows = events.map(({ at, kind, more }, index) => ({
    ...og.place(at),
    kind,
    timestamp: at,
    txHash: txHash("registry", index),
    sender: ADMIN,
    signature: "Event()",
    ...more,
  }));
  await tables.insertMany("og", "registryEvent", rows);
  for (const registry of [REGISTRY, OTHER_REGISTRY])
    await tables.insertMany(
      "og",
      "heartbeatMaxAge",
      history.maxAges.map(({ fromAt, valueSeconds }, ordinal) => ({
        registry,
        ordinal,
        valueSeconds,
        value: String(valueSeconds),
        fromBlock: 1,
        fromAt,
        precision: "exact",
      })),
    );
  await tables.insertMany(
    "og",
    "node",
    history.nodes.map((one) => {
      const place = rows.find(
        ({ kind, ...row }) => kind === "registered" && "teeId" in row && row.teeId === one.teeId,
      );
      const registered = { block: place?.blockNumber ?? 0, log: place?.logIndex ?? 0 };
      return {
        registry: one.registry,
        teeId: one.teeId,
        owner: one.owner,
        teeType: 0,
        registeredAt: one.registeredAt,
        registeredBlock: registered.block,
        registeredLogIndex: registered.log,
        registeredTxHash: txHash("registered", registered.block),
        paymentAddress: one.paymentAddress,
        endpoint: "https://node.example",
        endpointHex: utf8Hex("https://node.example"),
        publicKey: nodeNamed(one.name).publicKey,
        tlsCertificate: "0x00",
        pcrHash: PCR,
        recordSource: "call",
        removedAt: one.removedAt,
        statusTxHash: txHash("status", 0),
      };
    }),
  );
  await tables.insert("og", "role", {
    registry: REGISTRY,
    role: `0x${"0".repeat(64)}`,
    account: ADMIN,
    granted: true,
    grantedAt: T0 - 800,
  });
}

async function writeHeartbeats(tables: ChainTables, history: History, og: Chain): Promise<void> {
  const totals = new Map<
    HistoryNode,
    { count: number; repeated: number; lateness: number; latest: number }
  >();
  const rows = history.heartbeats.map(({ node, receivedAt, signedAt, repeated }, index) => {
    const before = totals.get(node) ?? { count: 0, repeated: 0, lateness: 0, latest: node.registeredAt };
    const after = {
      count: before.count + 1,
      repeated: before.repeated + Number(repeated),
      lateness: before.lateness + receivedAt - signedAt,
      latest: Math.max(before.latest, signedAt),
    };
    totals.set(node, after);
    return {
      ...og.place(receivedAt),
      registry: node.registry,
      teeId: node.teeId,
      receivedAt,
      signedAt,
      latestSignedAt: after.latest,
      repeated,
      relayer: RELAYER,
      txHash: txHash("beat", index),
      heartbeatsSoFar: after.count,
      repeatedSoFar: after.repeated,
      latenessSecondsSoFar: after.lateness,
    };
  });
  await tables.insertMany("og", "heartbeat", rows);
  for (const one of history.nodes) await writeLiveness(tables, history, one);
}

async function writeLiveness(tables: ChainTables, history: History, one: HistoryNode): Promise<void> {
  const active = activeSeconds(history, one);
  const spells: { fromAt: number; untilAt: number }[] = [];
  for (let index = 0; index < active.length; index++) {
    const at = T0 + index;
    const last = spells.at(-1);
    if (active[index] === 0) continue;
    if (last !== undefined && last.untilAt === at) last.untilAt = at + 1;
    else spells.push({ fromAt: at, untilAt: at + 1 });
  }
  const beats = history.heartbeats.filter(({ node }) => node === one);
  const enabled = !isDisabledAt(one, HEAD);
  const open = enabled ? spells.pop() : undefined;
  const key = { registry: one.registry, teeId: one.teeId };
  const ended = spells.map((spell, ordinal) => ({ ...key, ordinal, ...spell, endCause: "stale" }));
  await tables.insertMany("og", "activeInterval", ended);
  const signed = [
    { signedAt: one.registeredAt, receivedAt: one.registeredAt },
    ...beats.filter(({ repeated }) => !repeated),
  ];
  const gaps = signed.slice(1).flatMap(({ signedAt, receivedAt }, index) => {
    const last = signed[index] ?? { signedAt: 0, receivedAt: 0 };
    const maxAgeSeconds = maxAgeAt(history, last.receivedAt);
    const long = 4 * (signedAt - last.signedAt) > 3 * maxAgeSeconds;
    return long
      ? [{ lastSignedAt: last.signedAt, nextSignedAt: signedAt, maxAgeSeconds, knownAt: receivedAt }]
      : [];
  });
  await tables.insertMany(
    "og",
    "provedGap",
    gaps.map((gap, ordinal) => ({ ...key, ordinal, ...gap })),
  );
  await tables.insert("og", "nodeLiveness", {
    ...key,
    enabled,
    removed: one.removedAt !== null,
    activeFrom: open?.fromAt ?? null,
    activeUntil: open?.untilAt ?? null,
    closedIntervals: spells.length,
    provedGaps: gaps.length,
    heartbeats: beats.length,
  });
}

async function writeSettlements(tables: ChainTables, history: History, og: Chain): Promise<void> {
  const totals = new Map<HistoryNode, { count: number; latency: number }>();
  const rows = history.settlements.map(({ kind, node, settledAt, signedAt }, index) => {
    const shared = {
      ...og.place(settledAt),
      relay: address("relay"),
      kind,
      eventSignature: kind,
      txHash: txHash("settle", index),
      settledAt,
      relayer: RELAYER,
    };
    if (node === null) return { ...shared, batchSize: "7", merkleRoot: txHash("root", index) };
    const before = totals.get(node) ?? { count: 0, latency: 0 };
    const after = {
      count: before.count + 1,
      latency: before.latency + Math.min(DAY, Math.max(0, settledAt - signedAt)),
    };
    totals.set(node, after);
    const counted = node.registry === REGISTRY;
    return {
      ...shared,
      teeId: node.teeId,
      signedAt: String(signedAt),
      settlementsSoFar: counted ? after.count : null,
      latencySecondsSoFar: counted ? after.latency : null,
    };
  });
  await tables.insertMany("og", "settlement", rows);
  const hours = new Map<number, Record<string, number>>();
  const add = (at: number, name: string, value: number) => {
    const startAt = floor(at, HOUR);
    const sums = hours.get(startAt) ?? {};
    sums[name] = (sums[name] ?? 0) + value;
    hours.set(startAt, sums);
  };
  for (const { kind, settledAt } of history.settlements) {
    add(settledAt, kind === "batch" ? "batchSettlements" : "individualSettlements", 1);
    if (kind === "batch") add(settledAt, "claimedLeaves", 7);
  }
  for (const at of history.onchainInferences) add(at, "onchainInferences", 1);
  for (const { registeredAt } of history.nodes) add(registeredAt, "registrations", 1);
  await tables.insertMany(
    "og",
    "networkBucket",
    [...hours].map(([startAt, sums]) => ({ startAt, ...sums })),
  );
}

async function writePayments(tables: ChainTables, history: History, base: Chain): Promise<void> {
  const rows = history.payments.map(({ amount, ...payment }, index) => ({
    ...base.place(payment.paidAt),
    scheme: "upto",
    method: "permit2",
    ...payment,
    amount: amount.toString(),
    txHash: txHash("pay", index),
    source: "call",
  }));
  await tables.insertMany("base", "payment", rows);
  const { client } = tables;
  await tables.sumPayments(DAILY_CAPS);
  await client.query(`
    insert into base.network_bucket (chain_id, start_at, registrations, individual_settlements, batch_settlements,
      claimed_leaves, legacy_settlements, onchain_inferences, payments)
    select chain_id, start_at, 0, 0, 0, 0, 0, 0, sum(payments) from base.token_bucket group by 1, 2`);
}

/** When the nth inference was settled: at once or days later, some before the second that was signed, all by the head. */
export function inferenceSettledAt(index: number, signedAt: number): number {
  const delay = [12, 40, -30, 700, 4_000, 90_000, 12, 400_000, 55][index % 9] ?? 0;
  const at = Math.min(HEAD, Math.max(T0, signedAt + delay));
  return at - (at % 5);
}

/**
 * Each inference is the leaf of a batch of its own, and posted again later. Where tokens are told, the verifier knows it for
 * an individual settlement that names a payload; the chain does not, so that settlements of nodes are counted without it.
 */
async function writeInferences(tables: ChainTables, history: History, og: Chain): Promise<void> {
  const { client } = tables;
  await client.query("insert into proofs.revision values (1, 3) on conflict (id) do update set value = 3");
  for (const { teeId, registry } of history.nodes)
    await tables.insertProof("registration", {
      chainId: OG_CHAIN_ID,
      teeId,
      registry,
      blockNumber: 0,
      logIndex: 0,
    });
  for (const [index, { node, signedAt, promptTokens, completionTokens }] of history.inferences.entries()) {
    const { teeId } = node;
    const keys = { inferenceId: hash(`inference${index}`), signatureKey: hash(`signature${index}`) };
    const { inferenceId } = keys;
    const batchKey = hash(`batch${index}`);
    const payloadKey = hash(`payload${index}`);
    const told = { promptTokens, completionTokens };
    const isTold = promptTokens !== null;
    await tables.insertProof("inference", {
      id: inferenceId,
      teeId,
      inputHash: hash("in"),
      outputHash: hash("out"),
      timestamp: String(signedAt),
      signedAt,
      signatureValid: true,
      ...told,
    });
    await tables.insertProof("signature", {
      key: keys.signatureKey,
      inferenceId,
      teeId,
      signature: "0x",
      valid: true,
    });
    if (isTold)
      await tables.insertProof("payload", {
        key: payloadKey,
        inferenceId,
        blobIdHex: "0x",
        state: "matched",
        ...told,
      });
    else await tables.insertProof("leaf", { batchKey, leafIndex: 0, ...keys, teeId, valid: true });
    const first = inferenceSettledAt(index, signedAt);
    for (const at of [first, Math.min(HEAD - (HEAD % 5), first + 7_000)]) {
      const settled = {
        chainId: OG_CHAIN_ID,
        ...og.place(at),
        txHash: hash(`settled ${index} at ${at}`),
        relayer: address("settler"),
        settledAt: at,
      };
      await tables.insert("og", "settlement", {
        ...settled,
        kind: "batch",
        relay: address("relay"),
        eventSignature: "BatchSettlement",
      });
      await tables.insertProof("settled", {
        ...settled,
        blockHash: hash("block"),
        verdict: "verified",
        signedAt,
        ...(isTold ? { kind: "individual", ...keys, payloadKey } : { kind: "batch", batchKey }),
      });
    }
  }
  const { rows: hours } = await client.query<{ key: string; startAt: number }>(
    `select distinct tee_id as key, (signed_at - signed_at % ${HOUR})::float8 as "startAt" from proofs.inference`,
  );
  await sumBuckets(client, "node", hours, OG_CHAIN_ID);
}
