/**
 * Admins and operators: types, roles, PCRs, registrations, disabling, `heartbeatMaxAge`. The history follows a script, so that
 * it exercises every rule whatever its length; live traffic is random.
 */
import {
  type Address,
  concatHex,
  encodeAbiParameters,
  type Hex,
  keccak256,
  stringToHex,
  toFunctionSelector,
} from "viem";
import { encodeCall } from "../chain.ts";
import { at, type Image, type NodeIdentity } from "./cast.ts";
import { atFraction, type NodeState, type OgWorld } from "./ogWorld.ts";

const TEE_OPERATOR = keccak256(stringToHex("TEE_OPERATOR"));
const SETTLEMENT_RELAY_ROLE = keccak256(stringToHex("SETTLEMENT_RELAY_ROLE"));
const DEFAULT_ADMIN_ROLE: Hex = `0x${"00".repeat(32)}`;
const FIRST_NODES = 10;
const HOUR = 3600;
const DAY = 24 * HOUR;

/** Sends the transactions everything else needs: types, roles, approvals. */
export async function openRegistry(world: OgWorld): Promise<void> {
  const { chain, cast, contracts } = world;
  const { registry, relay } = contracts;
  const { admin } = cast;
  await chain.call(admin, registry, "addTEEType", [0, "LLMProxy"]);
  await chain.call(admin, registry, "addTEEType", [1, "Validator"]);
  await chain.call(admin, registry, "setAWSRootCertificate", [world.random.fork("aws root 0").hex(533)]);
  await chain.call(admin, registry, "grantRole", [DEFAULT_ADMIN_ROLE, cast.secondAdmin]);
  for (const operator of cast.operators)
    await chain.call(admin, registry, "grantRole", [TEE_OPERATOR, operator]);
  for (const relayer of [cast.batchRelayer, cast.individualRelayer])
    await chain.call(admin, relay, "grantRole", [SETTLEMENT_RELAY_ROLE, relayer]);
  for (const image of cast.images) await approve(world, image, image.version);
}

/** Schedules everything that admins and operators do. */
export function planRegistry(world: OgWorld): void {
  const { span, random } = world;
  const draw = random.fork("registry");
  const opening = Math.min(HOUR / 2, (span.until - span.from) * 0.02);
  for (const node of world.nodes) {
    const { index } = node.identity;
    const when =
      index < FIRST_NODES
        ? span.from + 30 + draw.unit() * opening
        : atFraction(span, at([0.2, 0.45, 0.6, 0.85], index - FIRST_NODES));
    planRegistration(world, node, Math.floor(when));
    planWhims(world, node);
  }
  planScript(world);
  planLiveAdmin(world);
}

/** The input of a registration; the endpoint's bytes go in as they are, UTF-8 or not. */
export function registrationInput(node: NodeIdentity): Hex {
  return concatHex([
    toFunctionSelector("registerTEEWithAttestation(bytes,bytes,bytes,address,string,uint8)"),
    encodeAbiParameters(
      [
        { type: "bytes" },
        { type: "bytes" },
        { type: "bytes" },
        { type: "address" },
        { type: "bytes" },
        { type: "uint8" },
      ],
      [
        node.attestationDocument,
        node.key.publicKeyDer,
        node.tlsCertificate,
        node.paymentAddress,
        node.endpoint,
        node.teeType,
      ],
    ),
  ]);
}

/** Sends a call of the registry as a node's owner; the wallet contract's calls go through it. */
export async function sendAsOwner(world: OgWorld, owner: Address, data: Hex, reverts = false): Promise<void> {
  const { chain, contracts, cast } = world;
  const { registry, multicaller } = contracts;
  if (owner !== multicaller.address) {
    await chain.send({ from: owner, to: registry.address, data, reverts });
    return;
  }
  const calls = [{ target: registry.address, data }];
  // the wallet accepts calls from anyone, so any key will do
  await chain.call(cast.passerBy, multicaller, "aggregate", [calls], reverts);
}

/** The owner switches its node on, if its PCR lets it. */
export async function enableNode(world: OgWorld, node: NodeState): Promise<void> {
  const { identity } = node;
  const allowed = world.approvedImages.has(identity.image) || node.enabled;
  await sendAsOwner(
    world,
    identity.owner,
    encodeCall(world.contracts.registry, "enableTEE", [identity.teeId]),
    !allowed,
  );
  if (allowed) node.enabled = true;
}

/** The owner, or an admin, switches a node off. */
export async function disableNode(world: OgWorld, node: NodeState, sender: Address): Promise<void> {
  await sendAsOwner(world, sender, encodeCall(world.contracts.registry, "disableTEE", [node.identity.teeId]));
  node.enabled = false;
}

function planRegistration(world: OgWorld, node: NodeState, when: number): void {
  const { timeline, chain, contracts, cast } = world;
  const { identity } = node;
  timeline.plan(when, async (now) => {
    // Waits for a revoked image to be approved again.
    if (!world.approvedImages.has(identity.image)) return planRegistration(world, node, now + 600);
    await sendAsOwner(world, identity.owner, registrationInput(identity));
    node.registered = true;
    node.enabled = true;
    if (identity.index % 2 === 0) timeline.plan(now + 40, () => setOhttpKey(world, node, 0));
    if (identity.index !== 2) return;
    // A key registers once.
    timeline.plan(now + 90, () => sendAsOwner(world, identity.owner, registrationInput(identity), true));
    // Only operators register.
    timeline.plan(now + 95, async () => {
      await chain.send({
        from: cast.passerBy,
        to: contracts.registry.address,
        data: registrationInput(identity),
        reverts: true,
      });
    });
  });
}

/** It emits no event: only re-reading the record reveals it. */
async function setOhttpKey(world: OgWorld, node: NodeState, generation: number): Promise<void> {
  const { identity } = node;
  const draw = world.random.fork(`ohttp ${identity.index} ${generation}`);
  const publicKey = draw.hex(32);
  // One key configuration of RFC 9458: id, KEM (X25519), key, then one (KDF, AEAD) pair.
  const keyConfig = concatHex([
    numberHex(generation + 1, 1),
    "0x0020",
    publicKey,
    "0x0004",
    "0x0001",
    "0x0001",
  ]);
  const config = {
    keyId: generation + 1,
    kemId: 0x20,
    kdfId: 1,
    aeadId: 1,
    publicKey,
    keyConfig,
    registeredAt: 0n,
  };
  await sendAsOwner(
    world,
    identity.owner,
    encodeCall(world.contracts.registry, "setOHTTPConfig", [identity.teeId, config]),
  );
}

const numberHex = (value: number, bytes: number): Hex => `0x${value.toString(16).padStart(bytes * 2, "0")}`;

async function approve(world: OgWorld, image: Image, version: string): Promise<void> {
  const { chain, cast, contracts } = world;
  await chain.call(cast.admin, contracts.registry, "approvePCR", [
    image.measurements,
    version,
    image.teeType,
  ]);
  world.approvedImages.add(image);
}

/** Disables the nodes that run the image, in the same transaction. */
async function revoke(world: OgWorld, image: Image): Promise<NodeState[]> {
  const { chain, cast, contracts, nodes } = world;
  await chain.call(cast.admin, contracts.registry, "revokePCR", [image.pcrHash, image.teeType]);
  world.approvedImages.delete(image);
  const hit = nodes.filter((node) => node.enabled && node.identity.image === image);
  for (const node of hit) node.enabled = false;
  return hit;
}

export async function setMaxAge(world: OgWorld, seconds: number): Promise<void> {
  await world.chain.call(world.cast.admin, world.contracts.registry, "setHeartbeatMaxAge", [BigInt(seconds)]);
  world.heartbeatMaxAge = seconds;
}

function planScript(world: OgWorld): void {
  const { timeline, span, cast, chain, contracts, nodes } = world;
  const { registry, verifier } = contracts;
  const on = (fraction: number, act: (now: number) => Promise<unknown>) =>
    timeline.plan(atFraction(span, fraction), async (now) => {
      await act(now);
    });
  const [first, second, third] = [at(cast.images, 0), at(cast.images, 1), at(cast.images, 2)];
  const node = (index: number) => at(nodes, index);

  on(0.1, () => approve(world, second, "v1.1.1"));
  // Enabling an enabled node: a transaction without an event.
  on(0.15, () => enableNode(world, node(2)));
  on(0.18, () => setMaxAge(world, 3600));
  on(0.22, () => setMaxAge(world, 1800));

  on(0.3, async (now) => {
    const disabled = await revoke(world, first);
    timeline.plan(now + 60, async () => {
      for (const stopped of disabled.slice(0, 2)) await enableNode(world, stopped);
    });
  });
  on(0.33, async (now) => {
    await approve(world, first, "v1.0.1");
    planReturn(world, first, now);
  });

  on(0.4, () => disableNode(world, node(3), cast.secondAdmin));
  on(0.44, () => enableNode(world, node(3)));
  // Nearly the heartbeat interval: nodes flicker between two heartbeats.
  on(0.47, () => setMaxAge(world, 850));
  on(0.5, () => setMaxAge(world, 1800));
  on(0.5, () => chain.call(cast.admin, registry, "addTEEType", [2, "Experimental <b>\u0000"]));
  on(0.52, () => chain.call(cast.admin, registry, "revokeRole", [TEE_OPERATOR, at(cast.operators, 5)]));
  on(0.56, () => chain.call(cast.secondAdmin, registry, "grantRole", [TEE_OPERATOR, at(cast.operators, 5)]));

  // Revoked, approved again and half of the nodes back, all in one block.
  on(0.62, async (now) => {
    const disabled = await revoke(world, second);
    await approve(world, second, "v1.1.2");
    for (const stopped of disabled.slice(0, Math.ceil(disabled.length / 2))) await enableNode(world, stopped);
    planReturn(world, second, now);
  });
  on(0.7, () => revoke(world, third));
  on(0.73, async (now) => {
    await approve(world, third, "validator-v0.3");
    planReturn(world, third, now);
  });
  on(0.75, () => setMaxAge(world, 7200));
  on(0.78, () => setMaxAge(world, 1800));
  on(0.8, async () => {
    if (!node(5).enabled) return;
    await disableNode(world, node(5), node(5).identity.owner);
    await enableNode(world, node(5));
  });
  on(0.82, () => setOhttpKey(world, node(0), 1));
  on(0.9, () =>
    chain.call(cast.secondAdmin, registry, "renounceRole", [DEFAULT_ADMIN_ROLE, cast.secondAdmin]),
  );
  on(0.93, () =>
    chain.call(cast.admin, registry, "setAWSRootCertificate", [world.random.fork("aws root 1").hex(533)]),
  );
  on(0.95, () => chain.call(cast.admin, verifier, "setRegistry", [registry.address]));
}

/** Owners enable their nodes one after the other: re-approval enables nothing by itself. */
function planReturn(world: OgWorld, image: Image, now: number): void {
  const draw = world.random.fork(`return ${image.version} ${now}`);
  for (const node of world.nodes) {
    if (node.identity.image !== image || !node.registered || node.enabled) continue;
    world.timeline.plan(now + 120 + Math.floor(draw.wait(1200)), () => enableNode(world, node));
  }
}

/** Now and then an owner switches its node off for a while. */
function planWhims(world: OgWorld, node: NodeState): void {
  const draw = world.random.fork(`whims ${node.identity.index}`);
  const { timeline } = world;
  const planNext = (after: number): void =>
    timeline.plan(Math.floor(after + draw.wait(3 * DAY)), async (now) => {
      if (!node.registered || !node.enabled) return planNext(now);
      await disableNode(world, node, node.identity.owner);
      planBack(now + 300 + Math.floor(draw.wait(HOUR)));
    });
  const planBack = (when: number): void =>
    timeline.plan(when, async (now) => {
      if (!world.approvedImages.has(node.identity.image)) return planBack(now + HOUR);
      await enableNode(world, node);
      planNext(now);
    });
  planNext(world.span.from);
}

/** After the history: a changed maximum age twice a day, a revoked PCR every few days. */
function planLiveAdmin(world: OgWorld): void {
  const draw = world.random.fork("live admin");
  const { timeline, span, cast } = world;
  const planAge = (after: number) =>
    timeline.plan(Math.floor(after + draw.wait(DAY / 2)), async (now) => {
      await setMaxAge(world, draw.pick([1200, 2700, 3600]));
      timeline.plan(now + HOUR, () => setMaxAge(world, 1800));
      planAge(now + HOUR);
    });
  const planRevocation = (after: number) =>
    timeline.plan(Math.floor(after + draw.wait(2 * DAY)), async (now) => {
      const image = draw.pick(cast.images.filter((candidate) => world.approvedImages.has(candidate)));
      await revoke(world, image);
      timeline.plan(now + HOUR, async (later) => {
        await approve(world, image, image.version);
        planReturn(world, image, later);
      });
      planRevocation(now + 2 * HOUR);
    });
  planAge(span.until);
  planRevocation(span.until);
}
