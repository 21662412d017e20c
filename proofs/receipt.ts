/**
 * The receipt of an inference: one JSON document that says where it was settled and contains everything needed to verify it
 * independently of its issuer.
 * @see docs/protocol.md, "Receipts", for which of its statements prove themselves
 */
import { z } from "zod";
import type { Hex } from "./hex.ts";

export const RECEIPT_VERSION = "opengradient-receipt-v1";

/** A path of 64 would be that of 2^64 leaves. */
const MAX_PATH = 64;

const hexString = (pattern: RegExp, description: string): z.ZodType<Hex, Hex> =>
  // The pattern makes it that type, which zod cannot see; the schema itself stays a string with a pattern for OpenAPI.
  z.string().regex(pattern).describe(description) as unknown as z.ZodType<Hex, Hex>;
const bytes32 = (description: string) => hexString(/^0x[0-9a-f]{64}$/, `${description} 32 bytes.`);
const address = (description: string) => hexString(/^0x[0-9a-f]{40}$/, description);
const bytes = (description: string) => hexString(/^0x(?:[0-9a-f]{2})*$/, description);
const UINT256 = /^(?:0|[1-9][0-9]{0,77})$/;
const uint256 = (description: string) =>
  z
    .string()
    .regex(UINT256)
    // Refinements run on what the pattern refused, too.
    .refine((digits) => UINT256.test(digits) && BigInt(digits) < 2n ** 256n, { error: "must be a uint256" })
    .describe(`${description} Decimal digits.`);
const integer = (description: string) => z.int().min(0).describe(description);

const position = {
  txHash: bytes32("The transaction."),
  logIndex: integer("The log's index in its block."),
  blockNumber: integer("The block."),
};

const settlementFields = {
  id: z.string().describe("chainId-txHash-logIndex"),
  chainId: integer("The chain."),
  relay: address("The contract that emitted the settlement."),
  ...position,
  blockHash: bytes32("The block's hash."),
  settledAt: integer("The block's time, unix seconds."),
  blobIdHex: bytes("The blob id's bytes as on chain: the relayer's claim."),
};

const batchSettlement = z.object({
  kind: z.literal("batch"),
  ...settlementFields,
  merkleRoot: bytes32("What the leaf and the path lead to."),
  batchSize: uint256("The relayer's claim of how many leaves there are."),
});

const individualSettlement = z.object({
  kind: z.literal("individual"),
  ...settlementFields,
  claimedPayer: address("The event's ethAddress: the relayer's claim."),
});

export const receiptSchema = z.object({
  version: z.literal(RECEIPT_VERSION),
  inferenceId: bytes32("keccak256(abi.encode(teeId, inputHash, outputHash, timestamp))."),
  leaf: z
    .object({
      teeId: bytes32("keccak256 of the public key."),
      inputHash: bytes32("keccak256 of the canonical request."),
      outputHash: bytes32("keccak256 of the answer's content."),
      signature: bytes("RSA-PSS over keccak256(inputHash ‖ outputHash ‖ uint256(timestamp))."),
      timestamp: uint256("When the enclave signed, unix seconds."),
    })
    .describe("What was settled: a batch's leaf, or the fields of an individual settlement."),
  settlement: z.discriminatedUnion("kind", [batchSettlement, individualSettlement]),
  merkle: z
    .object({
      path: z
        .array(bytes32("A sibling."))
        .max(MAX_PATH)
        .describe("The siblings from the leaf up, as OpenZeppelin's StandardMerkleTree orders them."),
    })
    .nullable()
    .describe("Null for an individual settlement."),
  publicKey: bytes("The enclave's key: DER, SubjectPublicKeyInfo.")
    .nullable()
    .describe("Null when no registry has shown it: nothing can be checked then."),
  registration: z
    .object({
      registry: address("The registry."),
      ...position,
      registeredAt: integer("The block's time, unix seconds."),
      owner: address("The node's owner at registration."),
      teeType: z.int().min(0).max(255).describe("0 LLMProxy, 1 Validator."),
    })
    .nullable()
    .describe("On the settlement's chain, at or before the settlement; null when there is none."),
  nodeAtSigning: z
    .object({
      status: z
        .enum(["removed", "active", "revoked", "disabled", "stale"])
        .nullable()
        .describe("Null when it was not registered at that second."),
      pcr: z
        .object({
          hash: bytes32("The enclave's code."),
          version: z.string().nullable().describe("As approved, sanitised."),
          approved: z.boolean().nullable().describe("Whether it was approved at that second."),
        })
        .nullable(),
    })
    .describe(
      "What the index knows of the node at the second of signing: its word, not proven by the receipt.",
    ),
  verdicts: z
    .object({
      signature: z.enum(["valid", "invalid", "unknown-key"]),
      settlement: z.enum(["pending", "verified", "partial", "invalid", "unavailable"]),
      reason: z.string().nullable().describe("Of the settlement's verdict: a stable code."),
    })
    .describe("What the index found: its word; checking the receipt finds the first by itself."),
  asOf: z
    .object({
      chainId: integer("The settlement's chain."),
      blockNumber: integer("The newest block it follows from."),
      blockTime: integer("That block's time, unix seconds."),
      proofs: integer("How often the verifier's findings had changed.").nullable(),
    })
    .describe("What the receipt follows from: equal for equal, to the byte."),
});

export type Receipt = z.infer<typeof receiptSchema>;
export type ReceiptSettlement = Receipt["settlement"];
