/**
 * The verifier on the recorded chains, through the whole system: the verdict of every batch and every leaf against the
 * recording's truth. One run with blobs that come late and an aggregator that errs.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonRpc } from "../cli/jsonRpc.ts";
import { checkReceipt } from "../proofs/checkReceipt.ts";
import { checkReceiptOnChain } from "../proofs/receiptOnChain.ts";
import { connectTo } from "../workers/verifier/testing/verifierTables.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import {
  type BatchTruth,
  hasRecording,
  ogTruth,
  type ReplayServer,
  recordedSettings,
  recordingDirectory,
  recordingMeta,
  startReplay,
} from "./recorded/recording.ts";
import { freePort, getAll, type RunningSystem, startSystem } from "./system/system.ts";
import { everythingVerified } from "./system/verified.ts";

if (!hasRecording) console.warn(`skipped: there is no recording at ${recordingDirectory}`);

/** How a blob that was asked for in vain, or read in vain, shows in a verdict. */
const VERDICTS: Readonly<Record<Exclude<BatchTruth["status"], "ok">, readonly [string, readonly string[]]>> =
  {
    bad_id: ["invalid", ["impossible-blob-id"]],
    blob_missing: ["unavailable", ["blob-missing"]],
    not_json: ["invalid", ["not-json"]],
    wrong_format: ["invalid", ["wrong-format"]],
    malformed_values: ["invalid", ["malformed-values"]],
    root_mismatch: ["invalid", ["root-mismatch"]],
  };

/** What the recording says about a leaf, in the verifier's words. */
const LEAVES: Readonly<Record<string, string>> = {
  ok: "valid",
  bad_signature: "invalid",
  registered_later: "unknown",
  unknown_tee: "unknown",
};

const runs = [
  { name: "at once", faults: [] as string[], missingAfter: "1" },
  {
    name: "with late blobs and an aggregator that errs",
    faults: ["--blob-late", "2", "--blob-error-rate", "0.1", "--fault-seed", "11"],
    missingAfter: "1,1,1,1",
  },
];

describe.skipIf(!hasRecording).each(runs)("the recorded proofs, $name", ({ faults, missingAfter }) => {
  let database: TestDatabase;
  let og: ReplayServer;
  let system: RunningSystem;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = connectTo(database.url);
    og = await startReplay("og", await freePort(), faults);
    system = await startSystem({
      ...recordedSettings([]),
      DATABASE_URL: database.url,
      OG_RPC_URL: og.url,
      // nobody listens there: what is verified is the other chain's
      BASE_RPC_URL: `http://127.0.0.1:${await freePort()}`,
      WALRUS_AGGREGATOR_URLS: og.url,
      WALRUS_ALLOW_PRIVATE: "true",
      VERIFIER_RETRY_SECONDS: missingAfter,
      VERIFIER_UNAVAILABLE_RETRY_SECONDS: "86400",
      VERIFIER_RECHECK_SECONDS: "86400",
      OBSERVER_INTERVAL_SECONDS: "600",
    });
    const { registry } = recordingMeta().og.contracts;
    await everythingVerified(system, pool, { head: ogTruth().head, registry }, 200_000);
  });

  afterAll(async () => {
    await pool?.end();
    expect(await system?.stop()).toBe(0);
    og?.stop();
    await database?.drop();
  });

  it("gives every batch its verdict", async () => {
    const { rows } = await pool.query<{ place: string; verdict: string; reason: string | null }>(
      `select block_number || '-' || log_index as place, verdict, reason from proofs.settled where kind = 'batch'`,
    );
    const found = new Map(rows.map(({ place, verdict, reason }) => [place, { verdict, reason }]));
    const { batches } = ogTruth();
    expect(found.size).toBe(batches.length);
    for (const batch of batches) {
      const { verdict, reason } = found.get(`${batch.block}-${batch.logIndex}`) ?? {};
      const label = `${batch.kind} in block ${batch.block}`;
      if (batch.status !== "ok") {
        const [expected, reasons] = VERDICTS[batch.status];
        expect({ verdict, label }).toEqual({ verdict: expected, label });
        expect(reasons, label).toContain(reason);
        continue;
      }
      const flawless = batch.sizeMatch && batch.leaves.every(([, , state]) => state === "ok");
      expect({ verdict, label }).toEqual({ verdict: flawless ? "verified" : "partial", label });
    }
  });

  it("judges every leaf as the recording does", async () => {
    const { rows } = await pool.query<{ place: string; states: string[] }>(
      `select t.block_number || '-' || t.log_index as place,
         array_agg(g.tee_id || ' ' || case when not g.valid then 'invalid'
           when g.valid and (r.block_number, r.log_index) <= (t.block_number, t.log_index) then 'valid' else 'unknown' end
           order by l.leaf_index) as states
       from proofs.settled t join proofs.leaf l using (batch_key) join proofs.signature g on g.key = l.signature_key
         left join proofs.registration r on r.tee_id = g.tee_id
       group by 1`,
    );
    const found = new Map(rows.map(({ place, states }) => [place, states]));
    const proven = ogTruth().batches.filter(({ status }) => status === "ok");
    expect(found.size).toBe(proven.length);
    for (const { block, logIndex, leaves } of proven)
      expect(found.get(`${block}-${logIndex}`), `block ${block}`).toEqual(
        leaves.map(([teeId, , state]) => `${teeId} ${LEAVES[state] ?? state}`),
      );
  });

  it("counts leaves per settlement, and distinct inferences per node, as the recording does", async () => {
    const { rows } = await pool.query<{ tee_id: string; valid: number; invalid: number; unique: number }>(
      `select g.tee_id,
         count(*) filter (where g.valid and (r.block_number, r.log_index) <= (t.block_number, t.log_index))::int as valid,
         count(distinct g.inference_id) filter (where g.valid and (r.block_number, r.log_index) <= (t.block_number, t.log_index))::int as unique,
         count(*) filter (where not coalesce(g.valid and (r.block_number, r.log_index) <= (t.block_number, t.log_index), false))::int as invalid
       from proofs.settled t join proofs.leaf l using (batch_key) join proofs.signature g on g.key = l.signature_key
         join proofs.registration r on r.tee_id = g.tee_id
       group by 1 order by 1`,
    );
    const { nodes } = ogTruth();
    const expected = Object.entries(nodes)
      .map(([tee_id, { counts }]) => ({
        tee_id,
        valid: counts.leavesValid,
        invalid: counts.leavesInvalid,
        unique: counts.uniqueValid,
      }))
      .sort((a, b) => (a.tee_id < b.tee_id ? -1 : 1));
    expect(rows.map(({ tee_id, valid, invalid, unique }) => ({ tee_id, valid, invalid, unique }))).toEqual(
      expected,
    );

    const totals = await pool.query<Record<string, number>>(
      `select sum(valid_leaves)::int as valid, sum(invalid_leaves + unknown_leaves)::int as rest, sum(leaf_count)::int as leaves
       from proofs.settled`,
    );
    const leaves = ogTruth().batches.flatMap((batch) => (batch.status === "ok" ? batch.leaves : []));
    const valid = leaves.filter(([, , state]) => state === "ok").length;
    expect(totals.rows[0]).toEqual({ valid, rest: leaves.length - valid, leaves: leaves.length });
  });

  it("counts an inference once in its node's hours, in batches or alone", async () => {
    const { rows } = await pool.query<{ tee_id: string; inferences: number }>(
      "select tee_id, sum(inferences)::int as inferences from proofs.node_bucket group by 1 order by 1",
    );
    const expected = Object.entries(ogTruth().nodes)
      .map(([tee_id, { counts }]) => ({
        tee_id,
        inferences: counts.uniqueIndividual + counts.uniqueValidNotIndividual,
      }))
      .sort((a, b) => (a.tee_id < b.tee_id ? -1 : 1));
    expect(rows).toEqual(expected);
  });

  it("verifies every individual settlement, and reads what its blob says", async () => {
    const { individual } = ogTruth();
    expect(individual.every(({ sigValid }) => sigValid)).toBe(true);
    const { rows } = await pool.query<{ verdict: string; count: number }>(
      "select verdict, count(*)::int from proofs.settled where kind = 'individual' group by 1",
    );
    expect(rows).toEqual([{ verdict: "verified", count: individual.length }]);
    const payloads = await pool.query<{ place: string; state: string }>(
      `select t.block_number || '-' || t.log_index as place, p.state from proofs.settled t join proofs.payload p on p.key = t.payload_key`,
    );
    const states = new Map(payloads.rows.map(({ place, state }) => [place, state]));
    const allowed: Readonly<Record<string, readonly string[]>> = {
      ok: ["matched"],
      missing: ["unavailable"],
      corrupt: ["invalid"],
      // another inference's blob, or altered text
      mismatch: ["unmatched"],
    };
    for (const { block, logIndex, kind } of individual)
      if (allowed[kind] !== undefined)
        expect(allowed[kind], `${kind} in block ${block}`).toContain(states.get(`${block}-${logIndex}`));
  });

  it("serves receipts that hold by themselves and on the recorded chain, exactly for what counts", async () => {
    const inferences = await getAll<{ id: string }>(system, "/v1/inferences");
    const { rows: counted } = await pool.query<{ id: string }>(
      `select distinct g.inference_id as id
       from proofs.settled t left join proofs.leaf l using (batch_key)
         join proofs.signature g on g.key = coalesce(l.signature_key, t.signature_key) and g.valid
         join proofs.registration r on r.tee_id = g.tee_id and (r.block_number, r.log_index) <= (t.block_number, t.log_index)`,
    );
    const nodes = Object.values(ogTruth().nodes);
    expect(counted.length).toBe(
      nodes.reduce((sum, { counts }) => sum + counts.uniqueIndividual + counts.uniqueValidNotIndividual, 0),
    );
    const proven = new Set(counted.map(({ id }) => id));
    const rpc = jsonRpc(new URL(og.url));
    const outcomes = { receipts: 0, refusals: 0 };
    // all that do not count, and every twentieth that does
    for (const [index, { id }] of inferences.entries()) {
      if (proven.has(id) && index % 20 !== 0) continue;
      const response = await fetch(`${system.apiUrl}/v1/inferences/${id}/receipt`);
      const body: unknown = await response.json();
      expect([id, response.status]).toEqual([id, proven.has(id) ? 200 : 409]);
      if (response.status !== 200) {
        expect(body).toMatchObject({ code: "inference-not-proven" });
        outcomes.refusals++;
        continue;
      }
      const check = checkReceipt(body);
      if (!check.ok) throw new Error(`${id}: ${check.reason}: ${check.detail}`);
      expect(await checkReceiptOnChain(check.receipt, rpc)).toMatchObject({ ok: true });
      outcomes.receipts++;
    }
    expect(outcomes.receipts).toBeGreaterThan(50);
    expect(outcomes.refusals).toBe(inferences.length - proven.size);
    expect(outcomes.refusals).toBeGreaterThan(10);
  });

  it("asks aggregators for possible blob ids only", async () => {
    const stats = (await (await fetch(`${og.url}/admin/stats`)).json()) as {
      blobs: { ok: number; weird: string[] };
    };
    expect(stats.blobs.weird).toEqual([]);
    expect(stats.blobs.ok).toBeGreaterThan(500);
  });
});
