/**
 * A node's heartbeats since the registry's `heartbeatMaxAge` was last looked at, and its figures before them. When the
 * next look finds that the value changed in between, the journal lets exactly what followed be rebuilt. Stored as one
 * line of numbers, because Ponder copies rows of plain values much faster than rows with arrays.
 */
import type { Beat, LivenessFigures } from "./figures.ts";

export interface Journal {
  /** `registry_state.max_age_checked_block` when the journal began. */
  readonly checkedBlock: number;
  /** Before the first of `beats`. */
  readonly figures: LivenessFigures;
  readonly beats: readonly Beat[];
}

const NONE = "-";
const HEAD = 8;
const BEAT = 3;

/** The journal after one more heartbeat; begins anew when the value has been looked at since. */
export function appendBeat(
  journal: string,
  checkedBlock: number,
  before: LivenessFigures,
  beat: Beat,
): string {
  const tail = `,${beat.signedAt},${beat.receivedAt},${beat.repeated ? 1 : 0}`;
  if (journal.startsWith(`${checkedBlock},`)) return journal + tail;
  const head = [
    checkedBlock,
    before.activeFrom ?? NONE,
    before.activeUntil ?? NONE,
    before.closedIntervals,
    before.provedGaps,
    before.lastHeartbeatAt,
    before.lastSignedAt,
    before.lastSignedMaxAgeSeconds,
  ];
  return head.join(",") + tail;
}

/** Reads a journal back; null when it is empty or began before `checkedBlock` was looked at. */
export function readJournal(journal: string, checkedBlock: number): Journal | null {
  if (!journal.startsWith(`${checkedBlock},`)) return null;
  const fields = journal.split(",").map((field) => (field === NONE ? null : Number(field)));
  const number = (index: number): number => {
    const value = fields[index];
    if (value == null) throw new Error(`journal "${journal}": field ${index} is missing`);
    return value;
  };
  const beats: Beat[] = [];
  for (let index = HEAD; index < fields.length; index += BEAT)
    beats.push({ signedAt: number(index), receivedAt: number(index + 1), repeated: number(index + 2) === 1 });
  return {
    checkedBlock,
    figures: {
      activeFrom: fields[1] ?? null,
      activeUntil: fields[2] ?? null,
      closedIntervals: number(3),
      provedGaps: number(4),
      lastHeartbeatAt: number(5),
      lastSignedAt: number(6),
      lastSignedMaxAgeSeconds: number(7),
    },
    beats,
  };
}
