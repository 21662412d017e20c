import { inferenceById } from "../lists/inferences.ts";
import { LeafVerdict } from "../lists/leaves.ts";
import { FROM, readsRows } from "../reads.ts";
import { BatchLeafRef, InferenceRef } from "../refs.ts";

BatchLeafRef.implement({
  description: "A leaf of a batch whose values give its root. Anyone can write a node's name into one.",
  fields: (t) => ({
    leafIndex: t.exposeInt("leafIndex", { description: "Its place among the blob's values, from 0." }),
    verdict: t.expose("verdict", { type: LeafVerdict, description: "What checking it showed." }),
    inferenceId: t.expose("inferenceId", { type: "Hex", description: "The inference's id, 32 bytes." }),
    inference: t.field({
      type: InferenceRef,
      nullable: true,
      description: "The inference.",
      extensions: readsRows(FROM.proofs, 5),
      resolve: ({ inferenceId, view }) => inferenceById(view, inferenceId),
    }),
    teeId: t.expose("teeId", { type: "Hex", description: "The node it names, 32 bytes." }),
    inputHash: t.expose("inputHash", {
      type: "Hex",
      description: "keccak256 of the canonical request, 32 bytes.",
    }),
    outputHash: t.expose("outputHash", {
      type: "Hex",
      description: "keccak256 of the answer's content, 32 bytes.",
    }),
    timestamp: t.exposeString("timestamp", {
      description: "When it was signed, unix seconds as decimal text: a uint256, whatever was written.",
    }),
    signature: t.expose("signature", {
      type: "Hex",
      description: "The leaf's signature, at most its first 4,096 bytes: none that is one has more than 256.",
    }),
    signatureBytes: t.exposeInt("signatureBytes", {
      description: "How many bytes it has, shown or not.",
    }),
    signatureSha256: t.expose("signatureSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
  }),
});
