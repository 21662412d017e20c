/** The devnet's participants: accounts, and nodes with their keys and initial settings. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Address, concatHex, encodeAbiParameters, type Hex, keccak256, stringToHex } from "viem";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { z } from "zod";
import { selfSignedCertificate } from "../certificate.ts";
import { ADDRESSES } from "../placement.ts";
import type { SeededRandom } from "../random.ts";
import { generateRsaJwk, type SigningKey, signingKey } from "../rsaKeys.ts";

/** An enclave's code: three measurements whose hash the registry approves. */
export interface Image {
  readonly version: string;
  readonly teeType: number;
  readonly measurements: { readonly pcr0: Hex; readonly pcr1: Hex; readonly pcr2: Hex };
  readonly pcrHash: Hex;
}

/** A node as it is registered. */
export interface NodeIdentity {
  readonly index: number;
  readonly key: SigningKey;
  readonly teeId: Hex;
  readonly teeType: number;
  readonly owner: Address;
  readonly paymentAddress: Address;
  /** Raw bytes: operators write what they like. */
  readonly endpoint: Hex;
  readonly tlsCertificate: Hex;
  readonly image: Image;
  readonly attestationDocument: Hex;
}

export interface Cast {
  readonly admin: Address;
  readonly secondAdmin: Address;
  readonly operators: readonly Address[];
  /** Senders of heartbeats. */
  readonly heartbeatRelayers: readonly Address[];
  readonly batchRelayer: Address;
  readonly individualRelayer: Address;
  /** An unrelated account: replays heartbeats, and calls whatever anyone may call. */
  readonly passerBy: Address;
  readonly users: readonly PrivateKeyAccount[];
  readonly facilitators: readonly PrivateKeyAccount[];
  /** Payers and payees of other x402 services. */
  readonly strangers: readonly PrivateKeyAccount[];
  readonly images: readonly Image[];
  readonly nodes: readonly NodeIdentity[];
  readonly legacyNodes: readonly NodeIdentity[];
}

export const NODE_COUNT = 14;
const LEGACY_ONLY_NODES = 2;
const OPERATORS = 6;
const LLM_PROXY = 0;
const VALIDATOR = 1;
const VALIDATOR_NODES = new Set([6, 13]);

/** Markup, a NUL, and invalid UTF-8: an endpoint may be anything. */
const HOSTILE_ENDPOINT = concatHex([
  stringToHex('https://"><script>alert(1)</script>.example.net/'),
  "0x00c328ff",
  stringToHex("=cmd|' /C calc'!A0"),
]);
const HOSTILE_NODE = 9;

/**
 * Draws the cast from a seed.
 * @param keyDirectory - caches the seed's RSA keys, which take seconds to find and never change.
 * @param notBefore - unix seconds from which the nodes' certificates are valid.
 */
export function drawCast(random: SeededRandom, keyDirectory: string, notBefore: number): Cast {
  const account = (label: string) => privateKeyToAccount(random.fork(`account ${label}`).hex(32));
  const accounts = (label: string, count: number) =>
    Array.from({ length: count }, (_, index) => account(`${label} ${index}`));
  const address = (label: string) => lower(account(label).address);

  const images = [
    image(random, "v1.0.0", LLM_PROXY),
    image(random, "v1.1.0", LLM_PROXY),
    image(random, "validator-v0.3", VALIDATOR),
  ];
  const legacyImage = image(random, "v0.9.0", LLM_PROXY);
  // The first operator's wallet is a contract: its registrations are not direct calls of the registry.
  const operators = [
    ADDRESSES.ogMulticaller,
    ...accounts("operator", OPERATORS - 1).map(({ address }) => lower(address)),
  ];
  const keys = signingKeys(random, keyDirectory, NODE_COUNT + LEGACY_ONLY_NODES);

  const node = (index: number, key: SigningKey, runs: Image): NodeIdentity => {
    const owner = at(operators, index % operators.length);
    const host = `tee-${String(index).padStart(2, "0")}.operator-${index % operators.length}.example.net`;
    const tlsCertificate = selfSignedCertificate(random.fork(`certificate ${index}`), host, notBefore);
    return {
      index,
      key,
      teeId: key.teeId,
      teeType: runs.teeType,
      owner,
      paymentAddress: paymentAddress(random, owner, index),
      endpoint: index === HOSTILE_NODE ? HOSTILE_ENDPOINT : stringToHex(`https://${host}:8443`),
      tlsCertificate,
      image: runs,
      attestationDocument: encodeAbiParameters(
        [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }],
        [runs.pcrHash, key.teeId, keccak256(tlsCertificate)],
      ),
    };
  };
  return {
    admin: address("admin"),
    secondAdmin: address("second admin"),
    operators,
    heartbeatRelayers: [address("heartbeat relayer 0"), address("heartbeat relayer 1")],
    batchRelayer: address("batch relayer"),
    individualRelayer: address("individual relayer"),
    passerBy: address("passer-by"),
    users: accounts("user", 12),
    facilitators: accounts("facilitator", 2),
    strangers: accounts("stranger", 4),
    images,
    nodes: Array.from({ length: NODE_COUNT }, (_, index) =>
      node(index, at(keys, index), at(images, VALIDATOR_NODES.has(index) ? 2 : index % 2)),
    ),
    // The first key sits in both registries.
    legacyNodes: [0, NODE_COUNT, NODE_COUNT + 1].map((index) => node(index, at(keys, index), legacyImage)),
  };
}

/** One address may serve many nodes: the network's default, an operator's own, or one of its own. */
function paymentAddress(random: SeededRandom, owner: Address, index: number): Address {
  if (index % 4 === 0) return ADDRESSES.defaultPayee;
  if (index % 4 === 1) return owner;
  return lower(privateKeyToAccount(random.fork(`payment address ${index % 8}`).hex(32)).address);
}

function image(random: SeededRandom, version: string, teeType: number): Image {
  const draw = random.fork(`image ${version}`);
  const measurements = { pcr0: draw.hex(48), pcr1: draw.hex(48), pcr2: draw.hex(48) };
  const { pcr0, pcr1, pcr2 } = measurements;
  return { version, teeType, measurements, pcrHash: keccak256(concatHex([pcr0, pcr1, pcr2])) };
}

/** The seed's RSA keys, from the cache if they were drawn before. */
function signingKeys(random: SeededRandom, directory: string, count: number): SigningKey[] {
  const file = join(directory, `rsa-${keccak256(stringToHex(random.seed)).slice(2, 18)}-${count}.json`);
  let jwks: string[];
  try {
    jwks = z
      .array(z.string())
      .length(count)
      .parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    jwks = Array.from({ length: count }, (_, index) => generateRsaJwk(random.fork(`rsa ${index}`)));
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(jwks));
    renameSync(`${file}.${process.pid}`, file);
  }
  return jwks.map(signingKey);
}

/** @throws {RangeError} when the cast is too small. */
export function at<T>(list: readonly T[], index: number): T {
  if (index < 0 || index >= list.length)
    throw new RangeError(`no entry ${index} in a list of ${list.length}`);
  // In range by the check above; T itself may include undefined.
  return list[index] as T;
}

/** Addresses compare as text here, so they are lower-case throughout. */
// viem's checksummed address is 0x and 40 hex digits; lower-casing keeps it one.
const lower = (address: Address) => address.toLowerCase() as Address;
