/** The parts of JSON-RPC that the gateway has to understand. */

export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Both ends included. */
export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

export type Fields = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object, neither an array nor null. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Longer error texts are truncated before they are searched. */
const MAX_TEXT_LENGTH = 4_000;

/** Reads the `error` of a JSON-RPC answer in any of the shapes that providers use; undefined when there is none. */
export function toRpcError(value: unknown): RpcError | undefined {
  if (typeof value === "string") return { code: -32000, message: value };
  if (!isFields(value)) return undefined;
  const { code, message, data } = value;
  return {
    code: Number.isInteger(Number(code)) && code !== null && code !== "" ? Number(code) : -32000,
    message: typeof message === "string" ? message : JSON.stringify(value).slice(0, MAX_TEXT_LENGTH),
    ...(data === undefined ? {} : { data }),
  };
}

/** The whole text of an error: providers put it into `message` or into `data`. */
export function textOf({ message, data }: RpcError): string {
  const more = typeof data === "string" ? data : data == null ? "" : JSON.stringify(data);
  // revert data says nothing about the endpoint
  const text = /^(?:reverted )?0x[0-9a-f]*$/i.test(more) ? message : `${message} ${more}`;
  return text.trim().slice(0, MAX_TEXT_LENGTH);
}

/** Parses a hex quantity; undefined for tags. */
export function toBlockNumber(value: unknown): number | undefined {
  return typeof value === "string" && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number(value) : undefined;
}

/** The block range of an eth_getLogs; undefined when it names a block hash or a tag. */
export function blockRange({ params }: RpcRequest): BlockRange | undefined {
  const filter = isFields(params[0]) ? params[0] : {};
  const from = toBlockNumber(filter.fromBlock);
  const to = toBlockNumber(filter.toBlock);
  return from === undefined || to === undefined || to < from ? undefined : { from, to };
}
