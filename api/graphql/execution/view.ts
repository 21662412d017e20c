/** One moment's sight of the index: what hangs below an object of the past belongs to the past too. */
import type { ChainName } from "../../../config/environment.ts";
import type { AnswerState } from "../../queries/state/answerState.ts";
import { type Moment, momentAt } from "../../queries/state/moment.ts";
import { Loaders } from "./loaders.ts";
import type { GraphState } from "./state.ts";

/** A domain object together with the sight it was read in. */
export type Seen<T> = T & { readonly view: View };

export class View {
  readonly loaders: Loaders;
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
    this.loaders = new Loaders(this);
  }

  /** @throws {ApiError} `at-in-future`, or `indexing` while the chain cannot be answered from. */
  async og(): Promise<Moment> {
    if (this.#answer.asOf.og === null) throw this.state.notReady("og");
    this.#og ??= this.#answer.momentAt(this.at ?? undefined);
    return this.#og;
  }

  async optionalOg(): Promise<Moment | null> {
    return this.#answer.asOf.og === null ? null : this.og();
  }

  /** @throws {ApiError} `indexing` while the chain cannot be answered from. */
  async base(): Promise<Moment> {
    const moment = await this.optionalBase();
    if (moment === null) throw this.state.notReady("base");
    return moment;
  }

  /** Null while the chain cannot be answered from. */
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

  /** Puts the sight beside an object. */
  show<T extends object>(value: T): Seen<T> {
    return { ...value, view: this };
  }
}
