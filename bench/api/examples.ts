/** The subjects of requests: the largest, a rare one, a typical one, and one that does not exist. */
import pg from "pg";
import type { Hex } from "../../proofs/hex.ts";
import { generateNode } from "../nodeKeys.ts";
import {
  COMMON_PAYEE,
  FACILITATORS,
  MODEL_CIDS,
  MODELS,
  NOBODY,
  OPG,
  ownerOf,
  PCRS,
  payer,
  paymentAddressOf,
  RARE_MODEL,
  RARE_MODEL_CID,
  RARE_TOKEN,
  RELAYERS,
  USDC,
} from "./history/cast.ts";
import { BEGINS, countsOf, DAY, type HistorySize, headTime } from "./history/size.ts";

/** Values of a filter: some match many rows, some few, some none. */
export type Values = readonly string[];

export interface Examples {
  readonly nodes: Values;
  readonly operators: Values;
  readonly payers: Values;
  readonly payees: Values;
  readonly relayers: Values;
  readonly tokens: Values;
  readonly models: Values;
  readonly modelCids: Values;
  readonly pcrs: Values;
  readonly inferences: Values;
  /** Of these inferences. */
  readonly inputHashes: Values;
  readonly outputHashes: Values;
  readonly roots: Values;
  /** An individual, a usual batch, the largest batch, a legacy one. */
  readonly settlements: Values;
  readonly channels: Values;
  /** Long ago, in the middle and a minute ago. */
  readonly times: readonly number[];
  readonly size: HistorySize;
}

const NO_HASH = `0x${"00".repeat(32)}`;
const nodeId = (index: number): Hex => generateNode(index).teeId;

/** A typical node that is still registered. */
export const USUAL_NODE = 40;

export async function findExamples(url: string, size: HistorySize): Promise<Examples> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const list = async (sql: string): Promise<readonly string[]> => {
    const { rows } = await client.query<{ value: string }>(sql);
    return rows.map(({ value }) => value);
  };
  try {
    const individual =
      "from proofs.settled where kind = 'individual' and verdict = 'verified' order by block_number desc, log_index desc";
    const leaf = (order: string) =>
      `(select inference_id from proofs.leaf where valid and batch_key = (
         select key from proofs.batch where state = 'proven' order by ${order} limit 1) order by leaf_index desc limit 1)`;
    const inferences = await list(
      `(select inference_id as value ${individual} limit 1) union all (select inference_id ${individual} limit 1 offset 500)
       union all ${leaf("leaf_count desc")} union all ${leaf("leaf_count, key")}`,
    );
    const hashes = (column: string) =>
      list(`select ${column} as value from proofs.inference where id in ('${inferences.join("','")}')`);
    const event = "chain_id || '-' || tx_hash || '-' || log_index as value";
    return {
      nodes: [nodeId(0), nodeId(USUAL_NODE), NO_HASH],
      operators: [ownerOf(0), ownerOf(USUAL_NODE), NOBODY],
      payers: [payer(0), payer(Math.floor(countsOf(size).payers / 3)), NOBODY],
      payees: [paymentAddressOf(0), COMMON_PAYEE, paymentAddressOf(USUAL_NODE), NOBODY],
      relayers: [RELAYERS[0], RELAYERS[2], FACILITATORS[0], NOBODY],
      tokens: [OPG, USDC, RARE_TOKEN, NOBODY],
      models: [MODELS[0], RARE_MODEL, "no such model"],
      modelCids: [MODEL_CIDS[0] ?? "", RARE_MODEL_CID, "no such cid"],
      pcrs: [PCRS[1], PCRS[0], NO_HASH],
      inferences: [...inferences, NO_HASH],
      inputHashes: [...(await hashes("input_hash")), NO_HASH],
      outputHashes: [...(await hashes("output_hash")), NO_HASH],
      roots: [
        ...(await list("(select merkle_root as value from proofs.batch where state = 'proven' limit 1)")),
        NO_HASH,
      ],
      settlements: await list(
        `(select ${event} from og.settlement where kind = 'individual' limit 1) union all
         (select ${event} from og.settlement where kind = 'batch' limit 1) union all
         (select ${event} from proofs.settled where kind = 'batch' order by leaf_count desc nulls last limit 1) union all
         (select ${event} from og.settlement where kind = 'legacy' limit 1)`,
      ),
      channels: [...(await list("(select channel_id as value from base.channel limit 1)")), NO_HASH],
      times: [
        BEGINS + Math.floor(0.02 * size.days * DAY),
        BEGINS + Math.floor(0.5 * size.days * DAY),
        headTime(size) - 60,
      ],
      size,
    };
  } finally {
    await client.end();
  }
}
