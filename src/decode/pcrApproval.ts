/** When a PCR's approval ends. Legacy events name no type and apply to every one. */

/** Stands in `teeType` for the legacy events without one. */
export const LEGACY_ANY_TYPE = -1;

interface ApprovalState {
  readonly approved: boolean;
  readonly revokedAt: number | null;
  readonly changedBlock: number;
  readonly changedLogIndex: number;
}

/**
 * When the approval that these records give together ends. What was said last holds, whether for one type or for all. Null
 * while that is an approval, or while nothing is known (registration itself requires an approved PCR, so its approval lies
 * before the start block).
 */
export function approvedUntil(records: readonly (ApprovalState | null)[]): number | null {
  const [newest] = records
    .filter((record) => record !== null)
    .sort((a, b) => b.changedBlock - a.changedBlock || b.changedLogIndex - a.changedLogIndex);
  return newest === undefined || newest.approved ? null : newest.revokedAt;
}
