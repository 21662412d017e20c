/** Arguments that fields of several domains share. */

/** The moment that the answer is about. */
export const AT = {
  type: "Timestamp",
  description: "As it was after the last block whose timestamp is not later, unix seconds. Default: now.",
} as const;
