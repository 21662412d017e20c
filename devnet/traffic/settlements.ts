/**
 * Users request inferences and the facilitator settles them: most in batches (flushed at 20, after 5 idle minutes or at an age
 * of 15 minutes), some individually. Relayers make mistakes, and some lie.
 */
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import type { Address, Hex } from "viem";
import { blobId } from "../blobStore.ts";
import type { SeededRandom } from "../random.ts";
import { type Inference, individualBlob, infer } from "./inference.ts";
import { type OgWorld, pacedWait, servingNodes, utf8Hex } from "./ogWorld.ts";

const LEAF_ENCODING = ["bytes32", "bytes32", "bytes32", "bytes", "uint256"];
const FLUSH_SIZE = 20;
const FLUSH_IDLE_SECONDS = 300;
const FLUSH_AGE_SECONDS = 900;
const MEAN_SECONDS_BETWEEN_INFERENCES = 96;
/** The verifier's bound on the age of a signed time. */
const MAX_AGE_SECONDS = 3600;

type Leaf = [Hex, Hex, Hex, Hex, string];
type BatchTrouble = "missing-blob" | "bad-leaf" | "forged-root" | "wrong-size" | "bad-id" | "not-json";

interface Batch {
  readonly openedAt: number;
  readonly inferences: Inference[];
}

/** Schedules the users' requests and their settlements. */
export function planSettlements(world: OgWorld): void {
  const draw = world.random.fork("inferences");
  const { timeline, cast } = world;
  let batch: Batch | undefined;

  const flush = async (full: Batch) => {
    if (batch !== full) return;
    batch = undefined;
    await settleBatch(world, draw, full.inferences);
  };
  const addToBatch = async (inference: Inference, now: number) => {
    if (!batch) {
      const opened: Batch = { openedAt: now, inferences: [] };
      batch = opened;
      timeline.plan(now + FLUSH_AGE_SECONDS, () => flush(opened));
    }
    const current = batch;
    const size = current.inferences.push(inference);
    if (size >= FLUSH_SIZE) await flush(current);
    else
      timeline.plan(now + FLUSH_IDLE_SECONDS, async () => {
        if (current.inferences.length === size) await flush(current);
      });
  };
  const planNext = (after: number) =>
    timeline.plan(after + pacedWait(world, draw, after, MEAN_SECONDS_BETWEEN_INFERENCES), async (now) => {
      planNext(now);
      const serving = servingNodes(world);
      if (serving.length === 0) return;
      const inference = infer(draw, draw.pick(serving).identity, now - draw.integer(1, 4));
      const user = draw.pick(cast.users).address;
      const mode = draw.unit();
      if (mode < 0.8) await addToBatch(inference, now);
      else if (mode < 0.9) await settleIndividually(world, now, draw, inference, user);
      // the rest use the private mode, which leaves no trace on this chain
    });
  planNext(world.span.from);
}

async function settleBatch(
  world: OgWorld,
  draw: SeededRandom,
  inferences: readonly Inference[],
): Promise<void> {
  const { chain, blobs, contracts, cast } = world;
  const trouble = drawTrouble(draw);
  const leaves = inferences.map(leafOf);
  if (trouble === "bad-leaf") spoil(leaves, draw);
  const tree = StandardMerkleTree.of(leaves, LEAF_ENCODING);
  // A hex string by the library's own type.
  const root = tree.root as Hex;

  let id: Hex;
  if (trouble === "bad-id")
    id = draw.pick<Hex>(["0x", "0xc3280000ff", utf8Hex("not-a-blob-id"), draw.hex(200)]);
  else if (trouble === "missing-blob") id = utf8Hex(blobId(draw.bytes(32)));
  else if (trouble === "not-json") id = utf8Hex(blobs.put(draw.bytes(500)));
  else if (trouble === "forged-root") id = utf8Hex(blobs.put(forgedDump(leaves, root, draw)));
  else id = utf8Hex(blobs.put(Buffer.from(JSON.stringify(tree.dump()))));

  const size = BigInt(leaves.length + (trouble === "wrong-size" ? draw.integer(1, 5) : 0));
  await chain.call(cast.batchRelayer, contracts.relay, "batchSettle", [root, size, id]);
}

const leafOf = ({ node, inputHash, outputHash, signature, signedAt }: Inference): Leaf => [
  node.teeId,
  inputHash,
  outputHash,
  signature,
  String(signedAt),
];

function drawTrouble(draw: SeededRandom): BatchTrouble | undefined {
  const chances: readonly [BatchTrouble, number][] = [
    ["missing-blob", 0.03],
    ["bad-leaf", 0.03],
    ["forged-root", 0.015],
    ["wrong-size", 0.015],
    ["bad-id", 0.01],
    ["not-json", 0.01],
  ];
  let value = draw.unit();
  for (const [trouble, chance] of chances) {
    if (value < chance) return trouble;
    value -= chance;
  }
  return undefined;
}

/** One leaf gets another's output, a garbled signature, or a node nobody knows. */
function spoil(leaves: Leaf[], draw: SeededRandom): void {
  const index = draw.integer(0, leaves.length - 1);
  const leaf = leaves[index];
  if (!leaf) return;
  const [teeId, inputHash, outputHash, signature, signedAt] = leaf;
  leaves[index] = draw.pick<Leaf>([
    [teeId, inputHash, draw.hex(32), signature, signedAt],
    [teeId, inputHash, outputHash, draw.hex(256), signedAt],
    [teeId, inputHash, outputHash, "0x", signedAt],
    [draw.hex(32), inputHash, outputHash, signature, signedAt],
  ]);
}

/** A dump whose tree has the on-chain root although its values give another. */
function forgedDump(leaves: readonly Leaf[], root: Hex, draw: SeededRandom): Buffer {
  const others = leaves.map<Leaf>(([teeId, inputHash, , signature, signedAt]) => [
    teeId,
    inputHash,
    draw.hex(32),
    signature,
    signedAt,
  ]);
  const dump = StandardMerkleTree.of(others, LEAF_ENCODING).dump();
  return Buffer.from(JSON.stringify({ ...dump, tree: [root, ...dump.tree.slice(1)] }));
}

/** Uploads the payload and settles at once; now and then again, for another payer, or with a transaction that reverts. */
async function settleIndividually(
  world: OgWorld,
  now: number,
  draw: SeededRandom,
  inference: Inference,
  payer: Address,
): Promise<void> {
  const { blobs, cast, timeline } = world;
  const blob = individualBlob(inference, payer, draw.chance(0.6));
  // Never uploaded, or not what it claims: the signature on chain is as valid as ever.
  const kind = draw.unit();
  const id = kind < 0.04 ? blobId(blob) : blobs.put(kind < 0.06 ? blob.subarray(0, blob.length / 2) : blob);
  await sendIndividual(world, now, inference, payer, id);

  if (draw.chance(0.04)) {
    const other = draw.pick(cast.users).address;
    timeline.plan(inference.signedAt + draw.integer(60, 1800), (later) =>
      sendIndividual(world, later, inference, other, id),
    );
  }
  if (draw.chance(0.02))
    timeline.plan(inference.signedAt + draw.integer(3700, 5000), (later) =>
      sendIndividual(world, later, inference, payer, id),
    );
}

/** The relay wants an enabled node and a signed time of the last hour. */
async function sendIndividual(
  world: OgWorld,
  now: number,
  inference: Inference,
  payer: Address,
  id: string,
): Promise<void> {
  const { chain, contracts, cast } = world;
  const { teeId, index } = inference.node;
  const node = world.nodes[index];
  await chain.call(
    cast.individualRelayer,
    contracts.relay,
    "settleIndividual",
    [
      teeId,
      inference.inputHash,
      inference.outputHash,
      BigInt(inference.signedAt),
      payer,
      utf8Hex(id),
      inference.signature,
    ],
    !node?.enabled || now - inference.signedAt > MAX_AGE_SECONDS,
  );
}
