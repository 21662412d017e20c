/** keccak256 over bytes, cheap enough for every leaf of every batch: one WebAssembly instance per thread, reused. */
import { createKeccak } from "hash-wasm";
import { type Hex, hexOf } from "./hex.ts";

const hasher = await createKeccak(256);

/** @returns 32 bytes that are the caller's. */
export const keccak256 = (bytes: Uint8Array): Uint8Array => hasher.init().update(bytes).digest("binary");

/** The same as hex. */
export const keccak256Hex = (bytes: Uint8Array): Hex => hexOf(keccak256(bytes));
