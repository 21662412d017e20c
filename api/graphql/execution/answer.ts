/**
 * Answers an operation from one state, in one transaction: plan and limits first, then positions, staleness and entity tag,
 * and only then the resolvers.
 */
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
} from "graphql";
import { Abandoned, codeOf } from "../../errors.ts";
import { BatchedTransaction } from "../../queries/reading/batchedTransaction.ts";
import type { ReadTransaction } from "../../queries/reading/database.ts";
import { limitTime } from "../../queries/reading/timeLimited.ts";
import { AnswerState, revisionOf } from "../../queries/state/answerState.ts";
import { type AsOf, entityTag, refuseStale, tagMatches } from "../../queries/state/asOf.ts";
import { freshnessOf } from "../../queries/state/freshness.ts";
import type { GraphContext } from "./context.ts";
import type { GraphService } from "./graphService.ts";
import { MAX_ROWS, TIME_LIMIT_MS } from "./limits/limits.ts";
import { readMaxLag } from "./maxLag.ts";
import { type OperationPlan, planOperation } from "./plan/plan.ts";
import { refuseTooCostly } from "./plan/refuseTooCostly.ts";
import { readPlanned } from "./plannedState.ts";
import { toClientError, withClientErrors } from "./response/errors.ts";
import type { Exchange } from "./response/exchange.ts";
import { GraphState } from "./state.ts";

/** Most errors in variables that one answer reports. */
const MAX_VARIABLE_ERRORS = 20;

/** Runs the resolvers on a context. */
export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>;

/**
 * Answers a validated operation.
 * @param maxLag - unchecked: text of the URL or a JSON value.
 * @throws {GraphQLError} fit for clients, when the whole request is refused.
 */
export async function answerOperation(
  service: GraphService,
  exchange: Exchange,
  maxLag: unknown,
  args: ExecutionArgs,
  execute: Execute,
): Promise<ExecutionResult> {
  const where = { requestId: exchange.requestId, log: service.log };
  try {
    const maxLagSeconds = readMaxLag(maxLag);
    exchange.maxLagSeconds = maxLagSeconds;
    const planned = planOf(args);
    if ("errors" in planned) return { errors: planned.errors };
    const { plan } = planned;
    refuseTooCostly(args.document, plan);
    const result = await service.reader.read(
      (transaction) => answerInside(transaction, service, exchange, maxLagSeconds, plan, args, execute),
      { signal: exchange.signal, client: exchange.fairnessKey },
    );
    if (result.errors !== undefined) exchange.tag = null;
    return withClientErrors(result, where);
  } catch (error) {
    exchange.tag = null;
    exchange.abandoned = error instanceof Abandoned;
    exchange.refusal = codeOf(error);
    throw toClientError(error, where);
  }
}

/** The refusal of a request whose `operationName` names no operation, or is missing where the document has several. */
export function unknownOperation(document: DocumentNode, name: string | null | undefined): GraphQLError {
  const names = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [JSON.stringify(definition.name?.value ?? "")] : [],
  );
  const available = names.length === 0 ? "no operation" : names.slice(0, MAX_NAMED).join(", ");
  return new GraphQLError(
    name == null
      ? `operationName: required, because the document has ${available}`
      : `operationName ${JSON.stringify(name.slice(0, 200))} names no operation in the document; it has ${available}`,
  );
}
const MAX_NAMED = 10;

type Planned = { readonly plan: OperationPlan } | { readonly errors: readonly GraphQLError[] };

/** Plans an operation, or returns the errors in its name and variables. */
export function planOf({ schema, document, operationName, variableValues }: ExecutionArgs): Planned {
  const operation = getOperationAST(document, operationName);
  if (operation == null) return { errors: [unknownOperation(document, operationName)] };
  const { coerced, errors } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    variableValues ?? {},
    { maxErrors: MAX_VARIABLE_ERRORS },
  );
  if (errors !== undefined) return { errors };
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  return { plan: planOperation(operation, { schema, fragments, variables: coerced }) };
}

/** Answers a planned operation from the transaction's state. */
export async function answerInside(
  transaction: ReadTransaction,
  service: GraphService,
  exchange: Exchange,
  maxLagSeconds: number | undefined,
  plan: OperationPlan,
  args: ExecutionArgs,
  execute: Execute,
): Promise<ExecutionResult> {
  const limited = await limitTime(transaction, TIME_LIMIT_MS, service.elapsed);
  const { answer: answerState, asOf, selection } = await readPlanned(service, limited, plan);
  exchange.asOf = asOf;
  exchange.freshness = freshnessOf(service, plan.sources, asOf);
  refuseStale(asOf, maxLagSeconds, service.clock());
  if (exchange.cacheable !== null && !plan.momentary) {
    const { identity, ifNoneMatch } = exchange.cacheable;
    const revision = await revisionOf(answerState);
    exchange.tag = entityTag({ path: "/graphql", query: identity, asOf, revision });
    exchange.unchanged = tagMatches(ifNoneMatch, exchange.tag);
    if (exchange.unchanged) return { data: null };
  }
  const batched = new BatchedTransaction(limited);
  const proofs = plan.sources.proofs === undefined ? null : answerState.proofs;
  const answer = new AnswerState(batched, answerState.asOf, proofs);
  const state = new GraphState(answer, { asOf, selection, maxLagSeconds }, service);
  const context: GraphContext = { state, subscribe: refuseToSubscribe };
  const result = await execute({ ...args, contextValue: context });
  // After a failed statement, every later one fails: which fields were read before it is arbitrary.
  if (batched.failure !== null) throw batched.failure.error;
  return {
    ...result,
    extensions: {
      ...result.extensions,
      asOf: published(asOf),
      rows: { planned: plan.rows, limit: MAX_ROWS },
    },
  };
}

const refuseToSubscribe: GraphContext["subscribe"] = async () => {
  throw new Error("only a subscription subscribes");
};

const published = ({ og, base, proofs }: AsOf) => {
  const position = (part: AsOf["og"]) =>
    part === null
      ? null
      : { chainId: part.chainId, blockNumber: part.blockNumber, blockTime: part.blockTime };
  return { og: position(og), base: position(base), proofsRevision: proofs };
};
