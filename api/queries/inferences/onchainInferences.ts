/** On-chain (PIPE) inferences and scheduled workflows. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyondEvent,
  bytesColumns,
  eventOrder,
  matching,
  type Page,
  type PageRequest,
  toPage,
} from "../reading/page.ts";
import { formatEventId } from "../state/eventId.ts";
import { ADDRESS, type Filters, type FilterValues, oneOf, TEXT, TIME_RANGE } from "../state/filters.ts";
import { EVENT_KEY, FROM, type ListDefinition } from "../state/list.ts";
import { type Moment, withinBlocks } from "../state/moment.ts";
import { type InferenceContent, inferenceContent, MAX_LOG_BYTES } from "./inferenceContent.ts";

export const INFERENCE_KINDS = ["chat", "completion", "model", "workflow"] as const;
export type InferenceKind = (typeof INFERENCE_KINDS)[number];

/** In the order of the contract's numbers. */
export const INFERENCE_MODES = ["vanilla", "zkml", "tee"] as const;
export type InferenceMode = (typeof INFERENCE_MODES)[number];

export interface OnchainInference {
  readonly id: string;
  readonly chainId: number;
  readonly txHash: string;
  readonly logIndex: number;
  readonly blockNumber: number;
  readonly timestamp: number;
  readonly kind: InferenceKind;
  /** Null when only the hub spoke, or the number has no name. */
  readonly mode: InferenceMode | null;
  readonly modelCid: string | null;
  /** The raw bytes, when `modelCid` is not exactly what they say. */
  readonly modelCidHex: string | null;
  readonly modelCidBytes: number | null;
  readonly modelCidSha256: string | null;
  readonly inferenceId: string | null;
  readonly inferenceIdHex: string | null;
  readonly inferenceIdBytes: number | null;
  readonly inferenceIdSha256: string | null;
  readonly caller: string;
  readonly hub: {
    readonly address: string;
    readonly event: string | null;
    readonly logIndex: number | null;
  } | null;
  /** Null unless asked for. */
  readonly content: InferenceContent | null;
}

const ONCHAIN_INFERENCE_FILTERS = {
  ...TIME_RANGE,
  mode: oneOf(INFERENCE_MODES),
  kind: oneOf(INFERENCE_KINDS),
  modelCid: TEXT,
  caller: ADDRESS,
} as const satisfies Filters;

export type OnchainInferenceFilters = FilterValues<typeof ONCHAIN_INFERENCE_FILTERS>;

/** Requests and responses are decoded only when asked for. */
export type Contents = "with-content" | "without-content";

/** On-chain inferences and workflow results, newest first. */
export const ONCHAIN_INFERENCES: ListDefinition<
  OnchainInference,
  typeof ONCHAIN_INFERENCE_FILTERS,
  { readonly contents: Contents }
> = {
  name: "OnchainInference",
  sources: FROM.og,
  keyTypes: EVENT_KEY,
  filters: ONCHAIN_INFERENCE_FILTERS,
  read: async (transaction, state, { contents, ...filters }, page) =>
    listOnchainInferences(transaction, await state.og(), filters, contents, page),
};

interface InferenceRow {
  chainId: number;
  txHash: string;
  logIndex: number;
  blockNumber: number;
  timestamp: number;
  kind: InferenceKind;
  mode: number | null;
  modelCid: string | null;
  modelCidHex: string | null;
  modelCidBytes: number | null;
  modelCidSha256: string | null;
  inferenceId: string | null;
  inferenceIdHex: string | null;
  inferenceIdBytes: number | null;
  inferenceIdSha256: string | null;
  caller: string;
  hub: string | null;
  hubEvent: string | null;
  hubLogIndex: number | null;
  requestData: string | null;
  hubData: string | null;
}

const MAX_LOG_HEX_LENGTH = 2 + 2 * MAX_LOG_BYTES;

const changedHex = (text: string, hex: string) => {
  const [shown, raw] = [sql.identifier(text), sql.identifier(hex)];
  return sql`(case when ${raw} <> '0x' || encode(convert_to(${shown}, 'UTF8'), 'hex') then ${raw} end)`;
};

export async function listOnchainInferences(
  transaction: ReadTransaction,
  moment: Moment,
  filters: OnchainInferenceFilters,
  contents: Contents,
  page: PageRequest,
): Promise<Page<OnchainInference>> {
  const mode = filters.mode === undefined ? undefined : INFERENCE_MODES.indexOf(filters.mode);
  const conditions = [
    // a workflow's event tells no mode, which no index would know
    ...(filters.kind === "workflow" && mode !== undefined ? [sql`false`] : []),
    ...withinBlocks("og", moment, filters),
    ...matching([
      [sql`kind`, filters.kind],
      [sql`mode`, mode],
      [sql`model_cid`, filters.modelCid],
      [sql`caller`, filters.caller],
    ]),
    ...beyondEvent(page),
  ];
  const log = (name: string) =>
    contents === "with-content"
      ? sql`case when length(${sql.identifier(name)}) <= ${MAX_LOG_HEX_LENGTH} then ${sql.identifier(name)} end`
      : sql`null`;
  const rows = await transaction.rows<InferenceRow>(sql`
    select chain_id as "chainId", tx_hash as "txHash", log_index as "logIndex", block_number as "blockNumber", timestamp,
      kind, mode, model_cid as "modelCid", ${bytesColumns(changedHex("model_cid", "model_cid_hex"), ["modelCidHex", "modelCid"], "bounded")},
      inference_id as "inferenceId", ${bytesColumns(changedHex("inference_id", "inference_id_hex"), ["inferenceIdHex", "inferenceId"], "bounded")}, caller,
      hub, hub_event as "hubEvent", hub_log_index as "hubLogIndex",
      ${log("request_data")} as "requestData", ${log("hub_data")} as "hubData"
    from og.onchain_inference where ${allOf(conditions)} ${eventOrder(page)} limit ${page.limit + 1}`);
  return toPage(
    rows,
    page,
    ({ blockNumber, logIndex }) => [blockNumber, logIndex],
    (row): OnchainInference => ({
      id: formatEventId(row),
      chainId: row.chainId,
      txHash: row.txHash,
      logIndex: row.logIndex,
      blockNumber: row.blockNumber,
      timestamp: row.timestamp,
      kind: row.kind,
      mode: row.mode === null ? null : (INFERENCE_MODES[row.mode] ?? null),
      modelCid: row.modelCid,
      modelCidHex: row.modelCidHex,
      modelCidBytes: row.modelCidBytes,
      modelCidSha256: row.modelCidSha256,
      inferenceId: row.inferenceId,
      inferenceIdHex: row.inferenceIdHex,
      inferenceIdBytes: row.inferenceIdBytes,
      inferenceIdSha256: row.inferenceIdSha256,
      caller: row.caller,
      hub: row.hub === null ? null : { address: row.hub, event: row.hubEvent, logIndex: row.hubLogIndex },
      content: contents === "with-content" ? inferenceContent(row) : null,
    }),
  );
}
