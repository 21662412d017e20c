/** The schema's builder: scalars, Relay's conventions, and non-null unless a field says otherwise. */
import SchemaBuilder from "@pothos/core";
import RelayPlugin from "@pothos/plugin-relay";
import type { ListLength } from "../../queries/reading/listLength.ts";
import type { GraphContext } from "../execution/context.ts";
import DescribedFieldsPlugin from "./describedFields.ts";
import { addressScalar, hexScalar, registryScalar } from "./scalars/hex.ts";
import { jsonScalar } from "./scalars/json.ts";
import { bigIntScalar, longScalar, timestampScalar } from "./scalars/numbers.ts";

/** What every connection offers besides its page. */
export interface CountedConnection {
  length: () => Promise<ListLength>;
}

interface GraphTypes {
  Context: GraphContext;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  Connection: CountedConnection;
  Scalars: {
    Hex: { Input: string; Output: string };
    Address: { Input: string; Output: string };
    Registry: { Input: string; Output: string };
    BigInt: { Input: string; Output: string };
    Timestamp: { Input: number; Output: number };
    Long: { Input: number; Output: number };
    JSON: { Input: never; Output: unknown };
  };
}

export const builder = new SchemaBuilder<GraphTypes>({
  plugins: [RelayPlugin, DescribedFieldsPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: "String",
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: {
      description: "Anything with an id of its own in this API; `node(id:)` finds it again.",
    },
    idFieldOptions: {
      description:
        "Opaque id, unique in this API. The id of an object of the past (`at`) names that past state.",
    },
    pageInfoTypeOptions: { description: "The position of a page in its list." },
    hasNextPageFieldOptions: { description: "Whether items follow this page." },
    hasPreviousPageFieldOptions: { description: "Whether items precede this page." },
    startCursorFieldOptions: { description: "Cursor of the first item; null on an empty page." },
    endCursorFieldOptions: { description: "Cursor of the last item; null on an empty page." },
    cursorFieldOptions: {
      description:
        "Opaque position of the item in this list, with its filters and order, pinned to the state of its page.",
    },
    edgesFieldOptions: {
      description: "The items with their cursors.",
      nullable: false,
    },
    nodeFieldOptions: { description: "The item.", nullable: false },
    nodesOnConnection: { description: "The items without their cursors." },
    pageInfoFieldOptions: { description: "The position of this page in the list." },
    firstArgOptions: { description: "Items from the front, 0 to 100. Default: 20. Goes with `after`." },
    lastArgOptions: { description: "Items from the back, 0 to 100. Goes with `before`." },
    afterArgOptions: { description: "Only items after the one with this cursor." },
    beforeArgOptions: { description: "Only items before the one with this cursor." },
  },
});

builder.addScalarType("Hex", hexScalar);
builder.addScalarType("Address", addressScalar);
builder.addScalarType("Registry", registryScalar);
builder.addScalarType("BigInt", bigIntScalar);
builder.addScalarType("Timestamp", timestampScalar);
builder.addScalarType("Long", longScalar);
builder.addScalarType("JSON", jsonScalar);

builder.queryType({
  description:
    "Nodes, settlements, payments and what follows from them. A request is answered from one state of the index, which `asOf` names. Fields of a chain that is not ready are null, with an error `indexing`.",
});
