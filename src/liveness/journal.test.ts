import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendBeat, EMPTY_JOURNAL, JOURNAL_BLOCKS, readJournal } from "./journal.ts";

const seconds = fc.integer({ min: 0, max: 2_000_000_000 });
const figures = fc.record({
  activeFrom: fc.option(seconds),
  activeUntil: fc.option(seconds),
  closedIntervals: fc.nat(),
  provedGaps: fc.nat(),
  lastHeartbeatAt: seconds,
  lastSignedAt: seconds,
  lastSignedMaxAgeSeconds: fc.nat(),
});
const beat = fc.record({ signedAt: seconds, receivedAt: seconds, repeated: fc.boolean() });

const before = {
  activeFrom: 1,
  activeUntil: 2,
  closedIntervals: 0,
  provedGaps: 0,
  lastHeartbeatAt: 1,
  lastSignedAt: 1,
  lastSignedMaxAgeSeconds: 1800,
};
const beatAt = (receivedAt: number, repeated = false) => ({ signedAt: receivedAt - 1, receivedAt, repeated });

describe("journal", () => {
  it("gives back the figures before the first heartbeat and every heartbeat", () => {
    fc.assert(
      fc.property(fc.nat(), figures, fc.array(beat, { minLength: 1 }), (block, first, beats) => {
        let columns = EMPTY_JOURNAL;
        // The first heartbeat may repeat the registration's second; it begins the journal all the same.
        for (const one of beats)
          columns = appendBeat(
            columns,
            block,
            columns.journal === "" ? first : { ...first, lastHeartbeatAt: -1 },
            one,
          );
        expect(readJournal(columns.journal)).toEqual({ figures: first, beats });
      }),
    );
  });

  it("reaches back far enough and forgets what lies before twice as many", () => {
    let columns = EMPTY_JOURNAL;
    const step = 10;
    for (let block = 0; block <= 10 * JOURNAL_BLOCKS; block += step) {
      columns = appendBeat(columns, block, { ...before, lastHeartbeatAt: block - step }, beatAt(block));
      const journal = readJournal(columns.journal);
      const oldest = journal?.beats[0]?.receivedAt ?? block;
      expect(journal?.figures.lastHeartbeatAt).toBe(oldest - step);
      expect(oldest).toBeGreaterThan(block - 2 * JOURNAL_BLOCKS - step);
      if (block > JOURNAL_BLOCKS) expect(oldest).toBeLessThanOrEqual(block - JOURNAL_BLOCKS + step);
    }
  });

  it("does not grow with repetitions in one block", () => {
    const once = appendBeat(EMPTY_JOURNAL, 5, before, beatAt(100));
    const again = appendBeat(once, 5, { ...before, lastHeartbeatAt: 100 }, beatAt(100, true));
    expect(again).toEqual(once);
    const other = appendBeat(once, 5, { ...before, lastHeartbeatAt: 100 }, { ...beatAt(100), signedAt: 98 });
    expect(readJournal(other.journal)?.beats).toHaveLength(2);
  });

  it("is empty at first", () => {
    expect(readJournal("")).toBeNull();
  });
});
