/** Where an event is on its chain: the fields that every event shares. */
import { builder } from "./builder/builder.ts";

interface EventPlace {
  readonly id: string;
  readonly chainId: number;
  readonly txHash: string;
  readonly logIndex: number;
  readonly blockNumber: number;
}

export const ChainEvent = builder.interfaceRef<EventPlace>("ChainEvent").implement({
  description: "An event on a chain and where it is.",
  fields: (t) => ({
    eventId: t.exposeString("id", {
      description: "`chainId-txHash-logIndex`; the id of the same event in REST.",
    }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    blockNumber: t.expose("blockNumber", { type: "Long" }),
    txHash: t.expose("txHash", { type: "Hex" }),
    logIndex: t.exposeInt("logIndex"),
  }),
});
