/** Ids of events: `chainId-txHash-logIndex`; both numbers fit int4. */
export interface EventId {
  readonly chainId: number;
  readonly txHash: string;
  readonly logIndex: number;
}

const EVENT_ID = /^(\d{1,9})-(0x[0-9a-f]{64})-(\d{1,9})$/;

export const formatEventId = ({ chainId, txHash, logIndex }: EventId): string =>
  `${chainId}-${txHash}-${logIndex}`;

/** Null when the text is no event id. */
export function parseEventId(text: string): EventId | null {
  const [, chainId, txHash, logIndex] = EVENT_ID.exec(text.toLowerCase()) ?? [];
  if (chainId === undefined || txHash === undefined || logIndex === undefined) return null;
  return { chainId: Number(chainId), txHash, logIndex: Number(logIndex) };
}
