/** A small network to select from: nine nodes of three owners, some of which miss rounds of heartbeats. */

import type { TestApi } from "../api/testing/testApi.ts";
import { type ChainTables, hash } from "../api/testing/worlds/chainTables.ts";
import { MAX_AGE_SECONDS, nodeNamed } from "../api/testing/worlds/registryHistory.ts";
import { PCRS, RegistryRows } from "./registryRows.ts";

export const DAY = 86_400;
export const INTERVAL = MAX_AGE_SECONDS / 2;
const T0 = 1_800_000_000;
const NAMES = "abcdefghi";

const HPKE_KEY = {
  ohttpKeyId: 1,
  ohttpKemId: 32,
  ohttpKdfId: 1,
  ohttpAeadId: 1,
  ohttpPublicKey: hash("hpke"),
  ohttpKeyConfig: "0x0102",
  ohttpRegisteredAt: T0,
};
/** Not a valid certificate. */
const SHORT_KEY = { ...HPKE_KEY, ohttpPublicKey: "0xaabb" };

export const idOf = (name: string) => nodeNamed(name).teeId;

export class SelectNetwork {
  readonly rows: RegistryRows;

  private constructor(
    readonly tables: ChainTables,
    rows: RegistryRows,
  ) {
    this.rows = rows;
  }

  /** Empties the tables and writes the registry's first block. */
  static async begin(tables: ChainTables): Promise<SelectNetwork> {
    await tables.clear();
    const rows = new RegistryRows(tables, T0);
    await rows.begin();
    return new SelectNetwork(tables, rows);
  }

  /** Writes some days of nodes a to i: b, e and h sometimes miss a round; a, b and c have OHTTP keys; i runs the newer PCR. */
  async live(days: number): Promise<void> {
    for (const [index, name] of [...NAMES].entries())
      await this.register(name, `owner-${index % 3}`, {
        ...(index < 3 ? HPKE_KEY : index === 3 ? SHORT_KEY : {}),
        ...(index === 8 ? { pcrHash: PCRS[1] } : {}),
      });
    for (let round = 0; round < (days * DAY) / INTERVAL; round++) await this.beat(round);
  }

  register(
    name: string,
    owner: string,
    {
      pcrHash = PCRS[0],
      ...record
    }: Readonly<Record<string, unknown>> & { readonly pcrHash?: string | null } = {},
  ) {
    const place = { owner, host: `${name}.example`, payee: `pay-${name}`, pcrHash };
    return this.rows.register(name, place, record);
  }

  /** Writes a round of heartbeats, one interval after the previous one. */
  async beat(round: number): Promise<void> {
    await this.rows.nextBlock(INTERVAL);
    for (const [index, node] of this.rows.nodes.entries())
      if (index % 3 !== 1 || round % (4 * index) !== 0)
        await this.rows.heartbeat(node, this.rows.time - 5, "relayer");
  }

  /** Shows the newest block to readers and to the API's snapshot, some seconds after its time. */
  async show(api: TestApi): Promise<void> {
    await this.rows.showHead();
    api.now = this.rows.time + 3;
    await api.refresh();
  }

  nameOf(teeId: string): string {
    return this.rows.nodes.find((node) => node.teeId === teeId)?.name ?? `unknown ${teeId}`;
  }
}
