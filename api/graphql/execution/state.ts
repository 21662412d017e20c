/** The one state that a whole request is answered from, and the views of it that `at` arguments open. */
import type { ChainName } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "../../queries/reading/database.ts";
import type { AnswerState, Sources } from "../../queries/state/answerState.ts";
import type { AsOf } from "../../queries/state/asOf.ts";
import type { ListState } from "../../queries/state/listState.ts";
import { type Moment, momentAt } from "../../queries/state/moment.ts";
import type { ProofTables } from "../../queries/state/proofTables.ts";
import type { ApiSettings } from "../../queries/state/service.ts";
import type { GraphService } from "./graphService.ts";
import type { PlannedState, Selection } from "./plannedState.ts";

/** What a request is answered with besides what can be read. */
interface RequestTerms extends Pick<PlannedState, "asOf" | "selection"> {
  /** The request's own bound on the age of the newest block, seconds. */
  readonly maxLagSeconds: number | undefined;
}

export class GraphState {
  readonly service: GraphService;
  /** The state that the answer belongs to. */
  readonly asOf: AsOf;
  readonly selection: Selection;
  readonly maxLagSeconds: number | undefined;
  readonly #answer: AnswerState;
  readonly #views = new Map<number | null, View>();

  constructor(answer: AnswerState, { asOf, selection, maxLagSeconds }: RequestTerms, service: GraphService) {
    this.#answer = answer;
    this.asOf = asOf;
    this.selection = selection;
    this.maxLagSeconds = maxLagSeconds;
    this.service = service;
  }

  get settings(): ApiSettings {
    return this.service.settings;
  }

  get transaction(): ReadTransaction {
    return this.#answer.transaction;
  }

  /** The positions that can be read: unlike `asOf`, null for a chain that is recovering. */
  get readable(): AsOf {
    return this.#answer.asOf;
  }

  get proofs(): ProofTables {
    return this.#answer.proofs;
  }

  /** The first configured registry: the default wherever a registry may be left out. */
  get currentRegistry(): string {
    return this.settings.registries[0] ?? "";
  }

  /**
   * The index as it was at a second, or is now.
   * @param at - unix seconds.
   */
  view(at: number | null | undefined): View {
    // A view of now has no second, so that the ids and cursors made from it name the present.
    const second = at ?? null;
    const known = this.#views.get(second);
    if (known !== undefined) return known;
    const view = new View(this.#answer, this, second);
    this.#views.set(second, view);
    return view;
  }

  /** @throws {ApiError} `indexing` while a required chain is not ready. */
  requireReady({ required }: Sources): void {
    for (const chain of required) if (this.readable[chain] === null) throw this.notReady(chain);
  }

  /** The refusal for a chain that this request cannot read. */
  notReady(chain: ChainName): ApiError {
    return new ApiError(
      "indexing",
      `The ${chain} chain is not ready yet; status { chains } shows its progress.`,
      { chain },
      { retryAfterSeconds: 5 },
    );
  }
}

/** The index at one moment, from which lists are read. Whatever hangs below an object of the past is read from the object's view. */
export class View implements ListState {
  readonly #answer: AnswerState;
  #og: Promise<Moment> | undefined;
  #base: Promise<Moment | null> | undefined;

  constructor(
    answer: AnswerState,
    readonly state: GraphState,
    /** Unix seconds; null is now. */
    readonly at: number | null,
  ) {
    this.#answer = answer;
  }

  get settings(): ApiSettings {
    return this.state.settings;
  }

  get proofs(): ProofTables {
    return this.state.proofs;
  }

  /** @throws {ApiError} `at-in-future`, or `indexing` while the chain is not ready. */
  async og(): Promise<Moment> {
    if (this.state.readable.og === null) throw this.state.notReady("og");
    this.#og ??= this.#answer.momentAt(this.at ?? undefined);
    return this.#og;
  }

  /** Null while the chain is not ready. */
  async optionalOg(): Promise<Moment | null> {
    return this.state.readable.og === null ? null : this.og();
  }

  /** @throws {ApiError} `indexing` while the chain is not ready. */
  async base(): Promise<Moment> {
    const moment = await this.optionalBase();
    if (moment === null) throw this.state.notReady("base");
    return moment;
  }

  /** Null while the chain is not ready. */
  optionalBase(): Promise<Moment | null> {
    this.#base ??= this.#baseAt();
    return this.#base;
  }

  async #baseAt(): Promise<Moment | null> {
    const newest = this.#answer.optionalMoment("base");
    return newest === null || this.at === null
      ? newest
      : momentAt(this.#answer.transaction, "base" satisfies ChainName, newest, this.at);
  }

  /** Keeps the view beside an object that was read from it. */
  scope<T extends object>(value: T): Scoped<T> {
    return { ...value, view: this };
  }
}

/** An object with the view it was read from. */
export type Scoped<T> = T & { readonly view: View };
