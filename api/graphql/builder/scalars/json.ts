/** JSON of any shape, only in answers. */
import { GraphQLScalarType } from "graphql";
import { refuse } from "./refuse.ts";

const onlyInAnswers = (): never => {
  throw refuse("JSON", "it", "accepted: it is only in answers");
};

export const jsonScalar = new GraphQLScalarType<never, unknown>({
  name: "JSON",
  description: "Any JSON value, for what strangers shaped: shortened and sanitised.",
  parseValue: onlyInAnswers,
  parseLiteral: onlyInAnswers,
  serialize: (value) => value,
});
