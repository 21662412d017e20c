/** A claimed batch size counts at most this much: nothing stops a relayer from claiming 2^256-1. */
export const MAX_CLAIMED_LEAVES = 1_000_000;
