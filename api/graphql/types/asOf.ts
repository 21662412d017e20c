/** AsOf: the state that an answer belongs to. */
import type { AsOf, ChainAsOf } from "../../queries/state/asOf.ts";
import { builder } from "../builder.ts";

const ChainPosition = builder.objectRef<ChainAsOf>("ChainPosition").implement({
  description: "A block that answers are made at.",
  fields: (t) => ({
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    blockNumber: t.expose("blockNumber", { type: "Long", description: "Number of the block." }),
    blockTime: t.expose("blockTime", {
      type: "Timestamp",
      description: "The block's timestamp, unix seconds: `now` for everything about this chain.",
    }),
  }),
});

export const AsOfRef = builder.objectRef<AsOf>("AsOf").implement({
  description:
    "The state that this answer belongs to. Equal states give equal answers. Also in the answer's `extensions.asOf`.",
  fields: (t) => ({
    og: t.expose("og", {
      type: ChainPosition,
      nullable: true,
      description: "OpenGradient; null when the request reads nothing of it, or it cannot be answered from.",
    }),
    base: t.expose("base", {
      type: ChainPosition,
      nullable: true,
      description: "Base; null when the request reads nothing of it, or it cannot be answered from.",
    }),
    proofsRevision: t.expose("proofs", {
      type: "Long",
      nullable: true,
      description: "How often the verifier's findings had changed; null when the request reads none.",
    }),
  }),
});
