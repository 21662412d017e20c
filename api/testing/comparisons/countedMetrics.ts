/** The expected metrics, counted event by event from a raw history. For tests only. */

import { OPG } from "../testApi.ts";
import { address } from "../worlds/chainTables.ts";
import {
  ADMIN,
  HEAD,
  type History,
  type HistoryNode,
  type HistoryPayment,
  isDisabledAt,
  maxAgeAt,
  RELAYER,
  T0,
} from "../worlds/metricsHistory.ts";
import { activeSeconds } from "../worlds/writeMetricsHistory.ts";

const DAY = 86_400;
const CAP = 10n ** 18n;

/** `[from, to)`. */
interface Range {
  readonly from: number;
  readonly to: number;
}

export const inRange = ({ from, to }: Range, at: number): boolean => at >= from && at < to;

export interface TrueVolume {
  readonly token: string;
  readonly raw: string;
  readonly organic: string | null;
  readonly effectivePayers: number | null;
}

/** Answers about a history as it was known at a second. */
export class CountedMetrics {
  readonly #active = new Map<HistoryNode, Uint8Array>();
  readonly #enabled = new Map<HistoryNode, Int32Array>();

  constructor(readonly history: History) {}

  activeAt(node: HistoryNode, at: number): boolean {
    const known = this.#active.get(node) ?? activeSeconds(this.history, node);
    this.#active.set(node, known);
    return known[at - T0] === 1;
  }

  /** To six decimals. */
  uptime(node: HistoryNode, range: Range, now: number): number | null {
    const from = Math.max(range.from, node.registeredAt);
    const removed = node.removedAt !== null && node.removedAt <= now ? node.removedAt : now;
    const to = Math.min(range.to, now, removed);
    if (to <= from) return null;
    let active = 0;
    for (let at = from; at < to; at++) active += Number(this.activeAt(node, at));
    return Math.round((1e6 * active) / (to - from)) / 1e6;
  }

  heartbeats(node: HistoryNode, range: Range, now: number) {
    return this.history.heartbeats.filter(
      (beat) => beat.node === node && beat.receivedAt <= now && inRange(range, beat.receivedAt),
    );
  }

  /** Seconds before `at` during which the node was enabled, counted one by one. */
  #observed(node: HistoryNode, at: number): number {
    let seconds = this.#enabled.get(node);
    if (seconds === undefined) {
      seconds = new Int32Array(HEAD + 2 - T0);
      const changes = new Set([T0, node.removedAt, ...node.switches]);
      let disabled = false;
      for (let index = 0; index + 1 < seconds.length; index++) {
        if (changes.has(T0 + index)) disabled = isDisabledAt(node, T0 + index);
        seconds[index + 1] = (seconds[index] ?? 0) + Number(!disabled);
      }
      this.#enabled.set(node, seconds);
    }
    return at < T0 ? at - T0 : (seconds[at - T0] ?? 0);
  }

  /** Each due heartbeat by itself. */
  missed(node: HistoryNode, range: Range, now: number): number {
    const beats = this.heartbeats(node, { from: 0, to: now + 1 }, now).filter(({ repeated }) => !repeated);
    const signed = [{ signedAt: node.registeredAt, receivedAt: node.registeredAt }, ...beats];
    const [from, to] = [this.#observed(node, range.from), this.#observed(node, range.to)];
    let missed = 0;
    for (const [index, { signedAt, receivedAt }] of signed.entries()) {
      const interval = maxAgeAt(this.history, receivedAt) / 2;
      const begun = this.#observed(node, signedAt);
      const ended = this.#observed(node, signed[index + 1]?.signedAt ?? now);
      for (let due = begun + interval; due + interval / 2 < ended; due += interval)
        if (due >= from && due < to) missed++;
    }
    return missed;
  }

  settlements(node: HistoryNode, range: Range, now: number) {
    return this.history.settlements.filter(
      (one) => one.node === node && one.settledAt <= now && inRange(range, one.settledAt),
    );
  }

  /** Nobody else ever named its payment address by then. */
  ownsAddress(node: HistoryNode, now: number): boolean {
    return this.#known(now).every((one) => one === node || one.paymentAddress !== node.paymentAddress);
  }

  payments(range: Range, base: number, payee: string | null): readonly HistoryPayment[] {
    return this.history.payments.filter(
      (payment) =>
        payment.paidAt <= base &&
        inRange(range, payment.paidAt) &&
        (payee === null || payment.payee === payee),
    );
  }

  isOrganic({ payer, payee, facilitator }: HistoryPayment, now: number): boolean {
    const known = this.#known(now);
    return !(
      payer === payee ||
      payer === facilitator ||
      payer === ADMIN ||
      payer === RELAYER ||
      known.some(({ paymentAddress }) => paymentAddress === payer) ||
      known.some(({ paymentAddress, owner }) => paymentAddress === payee && owner === payer)
    );
  }

  /**
   * In order of the token.
   * @param groupOf - payments of one payer on one day to payees of one group are bounded together.
   */
  volumes(
    payments: readonly HistoryPayment[],
    now: number,
    groupOf: (payee: string) => string,
  ): readonly TrueVolume[] {
    const tokens = [...new Set(payments.map(({ token }) => token))].sort();
    return tokens.map((token) => {
      const mine = payments.filter((payment) => payment.token === token);
      const raw = mine.reduce((sum, { amount }) => sum + amount, 0n);
      if (token !== OPG) return { token, raw: String(raw), organic: null, effectivePayers: null };
      const days = new Map<string, bigint>();
      for (const payment of mine) {
        const key = `${payment.payer} ${groupOf(payment.payee)} ${Math.floor(payment.paidAt / DAY)}`;
        days.set(key, (days.get(key) ?? 0n) + (this.isOrganic(payment, now) ? payment.amount : 0n));
      }
      const perPayer = new Map<string, bigint>();
      for (const [key, amount] of days) {
        const payer = key.split(" ")[0] ?? "";
        perPayer.set(payer, (perPayer.get(payer) ?? 0n) + (amount < CAP ? amount : CAP));
      }
      return { token, raw: String(raw), ...evenness([...perPayer.values()]) };
    });
  }

  /** The operator whose node named an address first, by then. */
  operatorOf(payee: string, now: number): string {
    const [first] = this.#known(now).filter(({ paymentAddress }) => paymentAddress === payee);
    return first?.owner ?? address("nobody");
  }

  #known(now: number): readonly HistoryNode[] {
    return this.history.nodes
      .filter(({ registeredAt }) => registeredAt <= now)
      .sort((a, b) => a.registeredAt - b.registeredAt);
  }
}

export function evenness(volumes: readonly bigint[]): { organic: string; effectivePayers: number | null } {
  const sum = volumes.reduce((total, volume) => total + volume, 0n);
  const squares = volumes.reduce((total, volume) => total + volume * volume, 0n);
  return {
    organic: String(sum),
    // To four decimals, half away from zero.
    effectivePayers:
      squares === 0n ? null : Number((2n * sum * sum * 10_000n + squares) / (2n * squares)) / 10_000,
  };
}

/** The least value that at least a share of `percent` is not above. */
export function percentile(values: readonly number[], percent: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? null;
}
