/** When a PCR's approval ends. Legacy events name no type and apply to every one. */

/** Stands in `teeType` for the legacy events without one. */
export const LEGACY_ANY_TYPE = -1;

interface ApprovalState {
  readonly approved: boolean;
  readonly revokedAt: number | null;
}

/**
 * When the approval that these records give together ends: null while one of them is approved without an end, or while
 * nothing is known (registration itself requires an approved PCR, so its approval lies before the start block).
 */
export function approvedUntil(records: readonly (ApprovalState | null)[]): number | null {
  const known = records.filter((record) => record !== null);
  if (known.length === 0 || known.some(({ approved }) => approved)) return null;
  return Math.max(...known.map(({ revokedAt }) => revokedAt ?? 0));
}
