/** Writes leaves to tables: inferences, their signatures, and their places in batches. */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";
import { WORD } from "../../../proofs/words.ts";
import { INVALID, type LeafRecords, RECORD, UNDECIDED, VALID } from "../check/leafRecords.ts";
import { decideLeaves, reviewInferences } from "./inferenceValidity.ts";

export interface BatchLeaves {
  readonly batchKey: Hex;
  readonly leaves: LeafRecords;
}

/** The leaves of several batches as query parameters that are cheap to build and to send. */
interface LeafParameters {
  /** The records, concatenated. */
  readonly bytes: Buffer;
  /** Array literals with one value per leaf: where its record begins and ends, and what else is known about it. */
  readonly begins: string;
  readonly ends: string;
  readonly timestamps: string;
  readonly validity: string;
  readonly batchKeys: string;
  readonly indexes: string;
}

const VALIDITY: Readonly<Record<number, string>> = { [VALID]: "t", [INVALID]: "f" };

function parametersOf(batches: readonly BatchLeaves[]): LeafParameters {
  const begins: number[] = [];
  const ends: number[] = [];
  const validity: string[] = [];
  const batchKeys: string[] = [];
  const indexes: number[] = [];
  let length = 0;
  for (const { batchKey, leaves } of batches) {
    for (let index = 0; index < leaves.count; index++) {
      begins.push(length + (leaves.offsets[index] ?? 0));
      ends.push(length + (leaves.offsets[index + 1] ?? 0));
      validity.push(VALIDITY[leaves.validity[index] ?? -1] ?? "NULL");
      batchKeys.push(batchKey);
      indexes.push(index);
    }
    length += leaves.bytes.length;
  }
  const [only, ...others] = batches;
  const literal = (values: readonly (string | number)[]): string => `{${values.join(",")}}`;
  return {
    bytes:
      only !== undefined && others.length === 0
        ? Buffer.from(only.leaves.bytes.buffer, only.leaves.bytes.byteOffset, only.leaves.bytes.length)
        : Buffer.concat(batches.map(({ leaves }) => leaves.bytes)),
    begins: literal(begins),
    ends: literal(ends),
    timestamps: literal(batches.flatMap(({ leaves }) => leaves.timestamps)),
    validity: literal(validity),
    batchKeys: literal(batchKeys),
    indexes: literal(indexes),
  };
}

/** Ids of inferences with a leaf that was checked before its node's key was known. */
const undecided = (batches: readonly BatchLeaves[]): string[] =>
  batches.flatMap(({ leaves: { bytes, offsets, validity } }) => {
    const ids: string[] = [];
    for (
      let index = validity.indexOf(UNDECIDED);
      index >= 0;
      index = validity.indexOf(UNDECIDED, index + 1)
    ) {
      const from = bytes.byteOffset + (offsets[index] ?? 0) + RECORD.inferenceId;
      ids.push(`0x${Buffer.from(bytes.buffer, from, WORD).toString("hex")}`);
    }
    return ids;
  });

/** SQL for a part of a record in $1 as 0x-prefixed hex. `from` is its zero-based offset; `o` and `e` are the record's begin and end. */
const hex = (from: string, length: string | number): string =>
  `'0x' || encode(substring($1::bytea from ${from} + 1 for ${length}), 'hex')`;
const part = (name: keyof typeof RECORD): string => hex(`o + ${RECORD[name]}`, WORD);
const SIGNATURE = hex(`o + ${RECORD.signature}`, `e - o - ${RECORD.signature + WORD}`);
const SIGNATURE_KEY = hex(`e - ${WORD}`, WORD);

/**
 * Merges the stored `signature_valid` with a new one: true when a signature is valid, false when all are invalid, otherwise
 * null.
 */
const MERGED_VALIDITY = `case when i.signature_valid or excluded.signature_valid then true
  when not i.signature_valid and not excluded.signature_valid then false end`;

/** A signature that was recorded before its node's key was known. */
export interface DecidedSignature {
  readonly key: Hex;
  readonly inferenceId: Hex;
}

/**
 * Adds what is missing. The same leaf may occur twice in a batch, in several batches, and in an individual settlement. One
 * statement per table, however many leaves; rows are locked in ascending key order.
 * @returns signatures that were undecided before and are decided now: verdicts outside these batches depend on them too.
 */
export async function recordLeaves(
  client: pg.ClientBase,
  batches: readonly BatchLeaves[],
): Promise<readonly DecidedSignature[]> {
  if (batches.length === 0) return [];
  const { bytes, begins, ends, timestamps, validity, batchKeys, indexes } = parametersOf(batches);
  await client.query(
    `insert into proofs.inference as i (id, tee_id, input_hash, output_hash, timestamp, signed_at, signature_valid)
     select distinct on (id) id, tee_id, input_hash, output_hash, t, least(t, ${Number.MAX_SAFE_INTEGER})::int8, v
     from (select ${part("inferenceId")} as id, ${part("teeId")} as tee_id, ${part("inputHash")} as input_hash,
             ${part("outputHash")} as output_hash, t, v
           from unnest($2::int4[], $3::numeric[], $4::bool[]) as u(o, t, v)) leaf
     order by id, case when v then 0 when v is null then 1 else 2 end
     on conflict (id) do update set signature_valid = ${MERGED_VALIDITY}
     where i.signature_valid is distinct from (${MERGED_VALIDITY})`,
    [bytes, begins, timestamps, validity],
  );
  // xmax is set on rows that were updated instead of inserted
  const { rows: decided } = await client.query<DecidedSignature>(
    `with written as (
       insert into proofs.signature as s (key, inference_id, tee_id, signature, valid)
       select distinct on (key) key, inference_id, tee_id, signature, valid
       from (select ${SIGNATURE_KEY} as key, ${part("inferenceId")} as inference_id, ${part("teeId")} as tee_id,
               ${SIGNATURE} as signature, valid
             from unnest($2::int4[], $3::int4[], $4::bool[]) as u(o, e, valid)) leaf
       order by key
       on conflict (key) do update set valid = excluded.valid
       where s.valid is null and excluded.valid is not null
       returning key, inference_id, xmax)
     select key, inference_id as "inferenceId" from written where xmax <> 0`,
    [bytes, begins, ends, validity],
  );
  // another verifier may have decided meanwhile what was undecided here
  const open = undecided(batches);
  await reviewInferences(client, open);
  await client.query(
    `insert into proofs.leaf (batch_key, leaf_index, inference_id, signature_key, tee_id, valid)
     select batch_key, leaf_index, ${part("inferenceId")}, ${SIGNATURE_KEY}, ${part("teeId")}, valid
     from unnest($2::int4[], $3::int4[], $4::text[], $5::int4[], $6::bool[]) as u(o, e, batch_key, leaf_index, valid)
     order by batch_key, leaf_index
     on conflict do nothing`,
    [bytes, begins, ends, batchKeys, indexes, validity],
  );
  await decideLeaves(client, [...open, ...decided.map(({ inferenceId }) => inferenceId)]);
  return decided;
}
