/** What one field means, with a value for examples. */

export interface Word {
  readonly says: string;
  /** Shown in examples where the schema allows it; null also stands for an empty list. */
  readonly sample?: string | number | boolean | null;
}

/** By `name`, or by `Owner.name` where the name means something else or something more in one place. */
export type Words = Readonly<Record<string, Word>>;

/** What examples show: the same id in one answer and in the next question. */
const bytes = (length: number, seed: string): string => `0x${seed.repeat(length).slice(0, 2 * length)}`;

const TRANSACTION = bytes(32, "c0ffee42");

export const SAMPLES = {
  bytes,
  teeId: bytes(32, "7ee1d0a5"),
  transaction: TRANSACTION,
  settlement: `10740-${TRANSACTION}-3`,
  inference: bytes(32, "1fe2e4ce"),
  channel: bytes(32, "c4a22e10"),
  pcr: bytes(32, "9c2a55e5"),
  block: bytes(32, "b10c"),
  owner: bytes(20, "0b5e55ed"),
  payer: bytes(20, "decade01"),
  payee: bytes(20, "bead1e50"),
  relayer: bytes(20, "5e1a7e42"),
  registry: "0x703cb174aeadb35d611858369b4b1111dc9abda6",
  opg: "0xfbc2051ae2265686a469421b2c5a2d5462fbf5eb",
  cursor: "eyJhc09mIjp7fX0",
  now: 1_790_000_040,
} as const;

export const HOUR = 3_600;

const nullClause = (nullWhen: string | undefined) => (nullWhen === undefined ? "." : `; null ${nullWhen}.`);

/** A time in unix seconds, some seconds before now. */
export const time = (says: string, ago = 0, nullWhen?: string): Word => ({
  says: `${says}, unix seconds${nullClause(nullWhen)}`,
  sample: SAMPLES.now - ago,
});

/** A time that most things do not have. */
export const rareTime = (says: string, nullWhen: string): Word => ({
  ...time(says, 0, nullWhen),
  sample: null,
});

export const hash32 = (says: string, sample: string, nullWhen?: string): Word => ({
  says: `${says}, 32 bytes${nullClause(nullWhen)}`,
  sample,
});

export const count = (says: string, sample: number, nullWhen?: string): Word => ({
  says: `${says}; a count${nullWhen === undefined ? "." : `, null ${nullWhen}.`}`,
  sample,
});

/** An amount of a token, as decimal digits. */
export const amount = (says: string, sample = "1500000000000000000", nullWhen?: string): Word => ({
  says: `${says}, in base units of the token${nullClause(nullWhen)}`,
  sample,
});

/** The end of a sentence about bytes that anyone can make as long as they like. */
export const listedBytes = (bytes: number): string =>
  `lists show its first ${bytes.toLocaleString("en-US")} bytes`;

/** What most things do not have. */
export const rare = (says: string): Word => ({ says, sample: null });

/** The two fields beside bytes that anyone can make as long as they like. */
export const lengthAndHash = (...prefixes: readonly string[]): Words =>
  Object.fromEntries(
    prefixes.flatMap((prefix) => [
      [`${prefix}Bytes`, { says: "Length in bytes, shown or not; null where there are none.", sample: 256 }],
      [
        `${prefix}Sha256`,
        rare(
          "SHA-256 of all bytes, 32 bytes, where only the first of them are shown; null where all are shown.",
        ),
      ],
    ]),
  );

/** The two ends of a time range, as filters compare them: `Settled at or after this`. */
export const rangeFilter = (owner: string, compared: string): Words => ({
  [`${owner}.from`]: {
    says: `${compared} at or after this, unix seconds; not after \`to\`.`,
    sample: SAMPLES.now - 24 * HOUR,
  },
  [`${owner}.to`]: { says: `${compared} before this, unix seconds.`, sample: SAMPLES.now },
});
