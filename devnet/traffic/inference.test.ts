import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { readPayload } from "../../proofs/payload.ts";
import { SeededRandom } from "../random.ts";
import { signingKey } from "../rsaKeys.ts";
import type { NodeIdentity } from "./cast.ts";
import { individualBlob, infer } from "./inference.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = signingKey(JSON.stringify(privateKey.export({ format: "jwk" })));
const ADDRESS = `0x${"11".repeat(20)}` as const;
const node: NodeIdentity = {
  index: 0,
  key,
  teeId: key.teeId,
  teeType: 0,
  owner: ADDRESS,
  paymentAddress: ADDRESS,
  endpoint: "0x",
  tlsCertificate: "0x",
  image: { pcrHash: "0x", version: "", teeType: 0, measurements: { pcr0: "0x", pcr1: "0x", pcr2: "0x" } },
  attestationDocument: "0x",
};

it("uploads payloads that hash to what was signed", () => {
  const random = new SeededRandom("payloads");
  for (let round = 0; round < 50; round++) {
    const inference = infer(random, node, 1_793_493_936 + round);
    const { teeId } = node;
    const { inputHash, outputHash, signature, signedAt, model } = inference;
    const blob = individualBlob(inference, ADDRESS, round % 2 === 0);
    expect(
      readPayload(blob, { teeId, inputHash, outputHash, timestamp: BigInt(signedAt), signature }),
    ).toMatchObject({ state: "matched", inputMatches: true, outputMatches: true, model });
  }
});
