/** What callers ask of a selection, by REST or GraphQL: the same wish is the same question. */
import { type ApiSettings, resolveRegistries } from "../queries/state/service.ts";
import type { Strategy } from "../scoring/index.ts";
import type { SelectionFilters } from "./candidates.ts";

export interface SelectionQuestion {
  readonly strategy: Strategy;
  readonly filters: SelectionFilters;
}

/** As parameters give it, hex in lower case. */
export interface SelectionRequest extends Omit<SelectionFilters, "registries"> {
  readonly strategy: Strategy;
  /** An address or `all`; the first configured one when absent. */
  readonly registry?: string | undefined;
}

/** A question and its name, which no other question has. */
export interface NamedQuestion {
  readonly key: string;
  readonly question: SelectionQuestion;
}

/** @throws {ApiError} `invalid-parameter` for a registry that is not indexed. */
export function questionOf(settings: ApiSettings, wish: SelectionRequest): NamedQuestion {
  const { strategy, registry, ...filters } = wish;
  const question = { strategy, filters: { ...filters, registries: resolveRegistries(settings, registry) } };
  return { key: JSON.stringify(question), question };
}
