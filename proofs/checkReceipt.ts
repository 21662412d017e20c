/** Checks a receipt on its own: arithmetic only, no network. */
import { bytesOf } from "./hex.ts";
import { type SignedInference, signatureFacts } from "./inference.ts";
import { leafHash, rootOfPath } from "./merkle.ts";
import { RECEIPT_VERSION, type Receipt, receiptSchema } from "./receipt.ts";
import { type KeyProblem, publicKeyOf, verifySignature } from "./signature.ts";

/** Why a receipt does not hold; stable. */
export type ReceiptProblem =
  | "malformed"
  | "unsupported-version"
  | "settlement-id-mismatch"
  | "key-missing"
  | KeyProblem
  | "inference-id-mismatch"
  | "signature-invalid"
  | "merkle-path-missing"
  | "merkle-path-unexpected"
  | "merkle-root-mismatch"
  | "not-registered"
  | "registered-after-settlement"
  | "as-of-before-settlement"
  | "verdict-mismatch";

export interface Refusal<Reason extends string> {
  readonly ok: false;
  readonly reason: Reason;
  /** The value, the rule. */
  readonly detail: string;
}

/** `checked`: what was found to hold, a sentence each. */
export type ReceiptCheck =
  | { readonly ok: true; readonly receipt: Receipt; readonly checked: readonly string[] }
  | Refusal<ReceiptProblem>;

type Outcome = string | Refusal<ReceiptProblem>;

const refuse = (reason: ReceiptProblem, detail: string): Refusal<ReceiptProblem> => ({
  ok: false,
  reason,
  detail,
});

/** The checks, cheapest first; each returns what holds, or refuses. */
const CHECKS: readonly ((receipt: Receipt, leaf: SignedInference) => Outcome)[] = [
  checkPositions,
  checkInferenceId,
  checkSignature,
  checkMerklePath,
  checkRegistration,
  checkVerdicts,
];

/**
 * Checks all of a receipt that needs no chain. Never throws, whatever it is given.
 * @param document - parsed JSON.
 */
export function checkReceipt(document: unknown): ReceiptCheck {
  try {
    const parsed = receiptSchema.safeParse(document);
    if (!parsed.success) return refuseShape(document, parsed.error.issues[0]);
    const receipt = parsed.data;
    const leaf = leafOf(receipt);
    const checked: string[] = [];
    for (const check of CHECKS) {
      const outcome = check(receipt, leaf);
      if (typeof outcome !== "string") return outcome;
      checked.push(outcome);
    }
    return { ok: true, receipt, checked };
  } catch {
    // Not from JSON: an object with getters or traps of its own.
    return refuse("malformed", "the receipt is not plain JSON");
  }
}

/** The leaf with its timestamp as a number. */
export const leafOf = ({ leaf }: Receipt): SignedInference => ({
  ...leaf,
  timestamp: BigInt(leaf.timestamp),
});

function refuseShape(
  document: unknown,
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
): Refusal<ReceiptProblem> {
  const where = issue?.path.map(String).join(".") || "the receipt";
  if (where !== "version" || typeof document !== "object" || document === null)
    return refuse("malformed", `${where}: ${issue?.message ?? "is not as it should be"}`);
  return refuse(
    "unsupported-version",
    `version is not "${RECEIPT_VERSION}", the one that this program knows`,
  );
}

function checkPositions({ settlement, asOf }: Receipt): Outcome {
  const { id, chainId, txHash, logIndex, blockNumber } = settlement;
  const expected = `${chainId}-${txHash}-${logIndex}`;
  if (id !== expected)
    return refuse("settlement-id-mismatch", `settlement.id is not ${expected}, which its parts make`);
  if (asOf.chainId !== chainId || asOf.blockNumber < blockNumber)
    return refuse(
      "as-of-before-settlement",
      `asOf is block ${asOf.blockNumber} of chain ${asOf.chainId}; the settlement is in block ${blockNumber} of chain ${chainId}`,
    );
  return `the settlement is ${id}, in block ${blockNumber}`;
}

function checkInferenceId({ inferenceId }: Receipt, leaf: SignedInference): Outcome {
  const expected = signatureFacts(leaf).inferenceId;
  if (inferenceId !== expected)
    return refuse("inference-id-mismatch", `inferenceId is ${inferenceId}; the leaf's is ${expected}`);
  return "the inference id is the leaf's";
}

function checkSignature({ publicKey: der, leaf: { teeId } }: Receipt, leaf: SignedInference): Outcome {
  if (der === null)
    return refuse("key-missing", "publicKey is null: no registry has shown the key that the signature needs");
  const publicKey = publicKeyOf(bytesOf(der), teeId);
  if ("invalid" in publicKey) return refuse(publicKey.invalid.reason, publicKey.invalid.detail);
  const { digest, signature } = signatureFacts(leaf);
  if (!verifySignature(publicKey.key, digest, signature))
    return refuse(
      "signature-invalid",
      "leaf.signature is not the key's RSA-PSS signature of inputHash, outputHash and timestamp",
    );
  return "the public key hashes to the TEE id, and its signature covers input hash, output hash and timestamp";
}

function checkMerklePath({ settlement, merkle }: Receipt, leaf: SignedInference): Outcome {
  if (settlement.kind === "individual") {
    if (merkle !== null)
      return refuse("merkle-path-unexpected", "an individual settlement has no tree: merkle must be null");
    return "the settlement is an individual one: its event carries these fields";
  }
  if (merkle === null)
    return refuse("merkle-path-missing", "a batch settlement needs the leaf's path: merkle is null");
  const root = rootOfPath(leafHash(leaf), merkle.path);
  if (root !== settlement.merkleRoot)
    return refuse(
      "merkle-root-mismatch",
      `leaf and path lead to ${root}; the settlement's root is ${settlement.merkleRoot}`,
    );
  return "the Merkle path leads from the leaf to the settlement's root";
}

function checkRegistration({ registration, settlement }: Receipt): Outcome {
  if (registration === null)
    return refuse(
      "not-registered",
      "registration is null: anyone can make a key that signs, and post a batch",
    );
  const { registry, blockNumber, logIndex } = registration;
  const before =
    blockNumber < settlement.blockNumber ||
    (blockNumber === settlement.blockNumber && logIndex < settlement.logIndex);
  if (!before)
    return refuse(
      "registered-after-settlement",
      `the node was registered at block ${blockNumber}, log ${logIndex}, after the settlement at block ${settlement.blockNumber}, log ${settlement.logIndex}`,
    );
  return `the registration at ${registry} precedes the settlement`;
}

function checkVerdicts({ verdicts }: Receipt): Outcome {
  if (verdicts.signature !== "valid" || verdicts.settlement === "invalid")
    return refuse(
      "verdict-mismatch",
      `the receipt calls the signature ${verdicts.signature} and the settlement ${verdicts.settlement}; both check out`,
    );
  return "the index's verdicts agree";
}
