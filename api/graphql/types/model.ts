import { InferenceFilter, inferences } from "../lists/inferences.ts";
import { FROM, readsPage } from "../reads.ts";
import { InferenceConnection, InferenceRef, ModelRef } from "../refs.ts";

ModelRef.implement({
  description:
    "A model, as payloads of individual settlements name it; its figures are of the window asked for.",
  fields: (t) => ({
    name: t.exposeString("model", { description: "Its name, sanitised." }),
    inferenceCount: t.expose("inferences", {
      type: "Long",
      description: "Distinct inferences with a valid signature of a node registered by then; a count.",
    }),
    promptTokens: t.expose("promptTokens", {
      type: "Long",
      nullable: true,
      description: "Tokens of their requests, by the payloads, a count; null when none says so.",
    }),
    completionTokens: t.expose("completionTokens", {
      type: "Long",
      nullable: true,
      description: "Tokens of their answers, by the payloads, a count; null when none says so.",
    }),
    nodeCount: t.expose("nodes", { type: "Long", description: "Distinct nodes that ran it; a count." }),
    firstSeenAt: t.expose("firstSeenAt", {
      type: "Timestamp",
      nullable: true,
      description: "Its first inference's second of signing, unix seconds; null beyond 2^53-1.",
    }),
    lastSeenAt: t.expose("lastSeenAt", {
      type: "Timestamp",
      nullable: true,
      description: "Its last inference's second of signing, unix seconds; null beyond 2^53-1.",
    }),
    inferences: t.connection(
      {
        type: InferenceRef,
        nullable: true,
        description: "Inferences run with it, newest signed first, whatever the window.",
        args: { filter: t.arg({ type: InferenceFilter, description: "Which inferences." }) },
        extensions: readsPage(FROM.proofs, 3),
        resolve: ({ model, view }, args) => inferences(view, "Model.inferences", args, { model }),
      },
      InferenceConnection,
    ),
  }),
});
