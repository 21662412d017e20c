import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appendBeat, readJournal } from "./journal.ts";

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

describe("journal", () => {
  it("gives back the figures before the first heartbeat and every heartbeat", () => {
    fc.assert(
      fc.property(fc.nat(), figures, fc.array(beat, { minLength: 1 }), (checkedBlock, before, beats) => {
        let journal = "";
        for (const one of beats) journal = appendBeat(journal, checkedBlock, before, one);
        expect(readJournal(journal, checkedBlock)).toEqual({ checkedBlock, figures: before, beats });
      }),
    );
  });

  it("begins anew after another look, and is not read for an earlier one", () => {
    const before = {
      activeFrom: 1,
      activeUntil: 2,
      closedIntervals: 0,
      provedGaps: 0,
      lastHeartbeatAt: 1,
      lastSignedAt: 1,
      lastSignedMaxAgeSeconds: 1800,
    };
    const first = appendBeat("", 10, before, { signedAt: 5, receivedAt: 6, repeated: false });
    const second = appendBeat(first, 30, before, { signedAt: 7, receivedAt: 8, repeated: true });
    expect(readJournal(second, 30)?.beats).toEqual([{ signedAt: 7, receivedAt: 8, repeated: true }]);
    expect(readJournal(second, 10)).toBeNull();
    expect(readJournal(second, 3)).toBeNull();
    expect(readJournal("", 10)).toBeNull();
  });
});
