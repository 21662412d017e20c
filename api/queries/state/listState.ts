/** The state that a list is read from: the newest, or that of the moment asked about. */
import type { AnswerState } from "./answerState.ts";
import type { Moment } from "./moment.ts";
import type { ProofTables } from "./proofTables.ts";
import type { ApiSettings } from "./service.ts";

export interface ListState {
  readonly settings: ApiSettings;
  /** @throws {Error} when proofs are not among the list's sources. */
  readonly proofs: ProofTables;
  og(): Promise<Moment>;
  /** Null while the chain is not ready. */
  optionalOg(): Promise<Moment | null>;
  base(): Promise<Moment>;
  /** Null while the chain is not ready. */
  optionalBase(): Promise<Moment | null>;
}

/**
 * The state of an answer at a second, or now.
 * @param at - unix seconds.
 * @throws {ApiError} `at-in-future`.
 */
export async function listStateAt(
  state: AnswerState,
  settings: ApiSettings,
  at: number | undefined,
): Promise<ListState> {
  const og = state.asOf.og === null ? null : await state.momentAt(at);
  const base = await state.optionalMomentAt("base", at);
  return {
    settings,
    get proofs() {
      return state.proofs;
    },
    og: async () => og ?? state.moment("og"),
    optionalOg: async () => og,
    base: async () => base ?? state.moment("base"),
    optionalBase: async () => base,
  };
}
