/** The one state that a whole request is answered from, with the views on it that `at` arguments open. */
import type { ChainName } from "../../config/environment.ts";
import { ApiError } from "../errors.ts";
import type { AnswerState, Sources } from "../queries/answerState.ts";
import type { AsOf } from "../queries/asOf.ts";
import type { ReadTransaction } from "../queries/database.ts";
import type { ProofTables } from "../queries/proofs.ts";
import type { ApiService, ApiSettings } from "../queries/service.ts";
import { View } from "./view.ts";

export class GraphState {
  readonly settings: ApiSettings;
  readonly clock: ApiService["clock"];
  readonly watcher: ApiService["watcher"];
  readonly #answer: AnswerState;
  readonly #views = new Map<number | null, View>();

  constructor(answer: AnswerState, { settings, clock, watcher }: ApiService) {
    this.#answer = answer;
    this.settings = settings;
    this.clock = clock;
    this.watcher = watcher;
  }

  get transaction(): ReadTransaction {
    return this.#answer.transaction;
  }

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
