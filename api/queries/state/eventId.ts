/** Ids of events: `chainId-txHash-logIndex`, hex in lower case; both numbers fit int4. */
export interface EventId {
  readonly chainId: number;
  readonly txHash: string;
  readonly logIndex: number;
}

const EVENT_ID = /^(\d{1,10})-(0x[0-9a-f]{64})-(\d{1,10})$/;
const MAX_INT4 = 2 ** 31 - 1;

export const formatEventId = ({ chainId, txHash, logIndex }: EventId): string =>
  `${chainId}-${txHash}-${logIndex}`;

/** Null when the text is no event id. One event has one id, but for the letter case of its hex. */
export function parseEventId(given: string): EventId | null {
  const text = given.toLowerCase();
  const [, chainId, txHash, logIndex] = EVENT_ID.exec(text) ?? [];
  if (chainId === undefined || txHash === undefined || logIndex === undefined) return null;
  const id = { chainId: Number(chainId), txHash, logIndex: Number(logIndex) };
  const isInRange = id.chainId <= MAX_INT4 && id.logIndex <= MAX_INT4;
  return isInRange && formatEventId(id) === text ? id : null;
}
