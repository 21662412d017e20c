/** Fields of the event stream, and of problem documents. */
import { hash32, SAMPLES, type Words } from "./word.ts";

export const STREAM_WORDS: Words = {
  events: { says: "Types of events, comma-separated.", sample: "settlement,payment" },
  "streamEvents.after": {
    says: "An event's id: events after it are delivered first. For clients that cannot send `Last-Event-ID`, which takes precedence.",
    sample: SAMPLES.cursor,
  },
  "streamEvents.teeId": hash32("This node, and individual settlements that name it", SAMPLES.teeId),
  "streamEvents.owner": { says: "Nodes of this operator.", sample: SAMPLES.owner },
  "streamEvents.relayer": { says: "Settlements by this sender.", sample: SAMPLES.relayer },
  "streamEvents.payer": {
    says: "Payments by this payer, and settlements that claim it.",
    sample: SAMPLES.payer,
  },
  "streamEvents.payee": { says: "Payments to this payee.", sample: SAMPLES.payee },
  "streamEvents.facilitator": { says: "Payments that this sender submitted." },
  "streamEvents.token": { says: "Payments in this token.", sample: SAMPLES.opg },
  "streamEvents.scheme": { says: "Payments of this scheme.", sample: "upto" },
  "Last-Event-ID": {
    says: "Id of the last event received: events after it are delivered first.",
    sample: "eyJ2IjoyfQ",
  },
  settlement: { says: "A new settlement, or one whose verdict changed." },
  payment: { says: "A new payment." },
  reset: { says: "Some of what was delivered before is void." },
  "StreamReset.detail": {
    says: "What happened, and what to do about it.",
    sample: "the chain was reorganised after block 4810220",
  },
  validThrough: { says: "The newest block whose rows stay as they were delivered; null when none does." },
  continuesAfter: { says: "Rows after this block follow; null when all of the chain's do." },
};

export const PROBLEM_WORDS: Words = {
  type: { says: "URI that explains the code." },
  title: { says: "The code in words." },
  code: { says: "Stable; one per cause." },
  detail: { says: "What is wrong here, and what to do." },
  instance: { says: "The path that was asked." },
  requestId: { says: "Id of the request in the log." },
};
