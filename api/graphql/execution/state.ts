/** The one state that a whole request is answered from, with the views on it that `at` arguments open. */
import DataLoader from "dataloader";
import type { ChainName } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import { readTokens, type Token } from "../../queries/payments/tokens.ts";
import type { ReadTransaction } from "../../queries/reading/database.ts";
import type { AnswerState, Sources } from "../../queries/state/answerState.ts";
import type { AsOf } from "../../queries/state/asOf.ts";
import type { ProofTables } from "../../queries/state/proofTables.ts";
import type { ApiSettings } from "../../queries/state/service.ts";
import type { GraphService } from "./graphService.ts";
import type { PlannedState } from "./plannedState.ts";
import { View } from "./view.ts";

/** What the answer belongs to, and the bound that the request sets on its age. */
interface Framing extends Pick<PlannedState, "asOf" | "selection"> {
  /** Seconds. */
  readonly mostLag: number | undefined;
}

export class GraphState {
  readonly service: GraphService;
  readonly framing: Framing;
  /** The same at every moment: what contracts say of themselves has no history here. */
  readonly tokens: DataLoader<string, Token>;
  readonly #answer: AnswerState;
  readonly #views = new Map<number | null, View>();

  constructor(answer: AnswerState, framing: Framing, service: GraphService) {
    this.#answer = answer;
    this.framing = framing;
    this.service = service;
    this.tokens = new DataLoader((addresses) =>
      readTokens(answer.transaction, service.settings.chainIds.base, addresses),
    );
  }

  get settings(): ApiSettings {
    return this.service.settings;
  }

  get transaction(): ReadTransaction {
    return this.#answer.transaction;
  }

  /** What can be read. */
  get asOf(): AsOf {
    return this.#answer.asOf;
  }

  get proofs(): ProofTables {
    return this.#answer.proofs;
  }

  /** The registry that everything defaults to. */
  get currentRegistry(): string {
    return this.settings.registries[0] ?? "";
  }

  /**
   * What was known at a second, or now.
   * @param at - unix seconds.
   */
  view(at: number | null | undefined): View {
    // A moment that is now has no name of its own: ids and cursors then name the present.
    const second = at ?? null;
    const known = this.#views.get(second);
    if (known !== undefined) return known;
    const view = new View(this.#answer, this, second);
    this.#views.set(second, view);
    return view;
  }

  /** @throws {ApiError} `indexing` while a chain that is required cannot be answered from. */
  requireReady({ required }: Sources): void {
    for (const chain of required) if (this.asOf[chain] === null) throw this.notReady(chain);
  }

  /** The refusal for a chain that this request cannot be answered from. */
  notReady(chain: ChainName): ApiError {
    return new ApiError(
      "indexing",
      `${chain} cannot be answered from yet; status { chains } says how far it is.`,
      { chain },
      { retryAfterSeconds: 5 },
    );
  }
}
