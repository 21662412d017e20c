/**
 * A node's newest heartbeats and its figures before them. When a look at `heartbeatMaxAge` finds that the value changed
 * some blocks ago, the journal lets exactly what followed be rebuilt. It is cleared by everything else that changes the
 * figures, so nothing but heartbeats lies in it.
 *
 * Stored as one line of numbers, because Ponder copies rows of plain values much faster than rows with arrays. The line
 * has one or two segments; a new one begins every `JOURNAL_BLOCKS` and pushes the oldest out, so that an append never
 * has to read the line.
 */
import type { Beat, LivenessFigures } from "./figures.ts";

/** The journal reaches back this many blocks at least. Looks must not lie further apart. */
export const JOURNAL_BLOCKS = 400;

export interface Journal {
  /** Before the first of `beats`. */
  readonly figures: LivenessFigures;
  readonly beats: readonly Beat[];
}

/** The journal's columns in a node's row. */
export interface JournalColumns {
  readonly journal: string;
  /** First block whose heartbeat begins another segment. */
  readonly journalRollsAtBlock: number;
}

export const EMPTY_JOURNAL: JournalColumns = { journal: "", journalRollsAtBlock: 0 };

const NONE = "-";
const SEGMENT = ";";
const HEAD = 7;
const BEAT = 3;

/** The journal after one more heartbeat, in block `blockNumber`. */
export function appendBeat(
  { journal, journalRollsAtBlock }: JournalColumns,
  blockNumber: number,
  before: LivenessFigures,
  { signedAt, receivedAt, repeated }: Beat,
): JournalColumns {
  const rolls = blockNumber >= journalRollsAtBlock;
  // Anyone can send a signature again, many times a block; after the first the figures are what they were.
  if (!rolls && journal !== "" && repeated && receivedAt === before.lastHeartbeatAt)
    return { journal, journalRollsAtBlock };
  const tail = `,${signedAt},${receivedAt},${repeated ? 1 : 0}`;
  if (!rolls && journal !== "") return { journal: journal + tail, journalRollsAtBlock };
  const newest = journal.slice(journal.lastIndexOf(SEGMENT) + 1);
  const segment = `${head(before)}${tail}`;
  return {
    journal: newest === "" ? segment : `${newest}${SEGMENT}${segment}`,
    journalRollsAtBlock: blockNumber + JOURNAL_BLOCKS,
  };
}

const head = (figures: LivenessFigures): string =>
  [
    figures.activeFrom ?? NONE,
    figures.activeUntil ?? NONE,
    figures.closedIntervals,
    figures.provedGaps,
    figures.lastHeartbeatAt,
    figures.lastSignedAt,
    figures.lastSignedMaxAgeSeconds,
  ].join(",");

/** Reads a journal back; null when it is empty. */
export function readJournal(journal: string): Journal | null {
  if (journal === "") return null;
  const segments = journal.split(SEGMENT).map(readSegment);
  const [first] = segments;
  return first === undefined
    ? null
    : { figures: first.figures, beats: segments.flatMap(({ beats }) => beats) };
}

function readSegment(segment: string): Journal {
  const fields = segment.split(",").map((field) => (field === NONE ? null : Number(field)));
  const number = (index: number): number => {
    const value = fields[index];
    if (value == null) throw new Error(`journal "${segment}": field ${index} is missing`);
    return value;
  };
  const beats: Beat[] = [];
  for (let index = HEAD; index < fields.length; index += BEAT)
    beats.push({ signedAt: number(index), receivedAt: number(index + 1), repeated: number(index + 2) === 1 });
  return {
    figures: {
      activeFrom: fields[0] ?? null,
      activeUntil: fields[1] ?? null,
      closedIntervals: number(2),
      provedGaps: number(3),
      lastHeartbeatAt: number(4),
      lastSignedAt: number(5),
      lastSignedMaxAgeSeconds: number(6),
    },
    beats,
  };
}
