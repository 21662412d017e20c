/** Fields of payments, channels and tokens. */
import { amount, count, HOUR, hash32, rangeFilter, rare, SAMPLES, time, type Words } from "./word.ts";

const { bytes, channel, opg, payee, payer } = SAMPLES;

export const PAYMENT_WORDS: Words = {
  paidAt: time("Block time of the payment", 120),
  scheme: { says: "The x402 payment scheme.", sample: "upto" },
  method: { says: "How the token was moved.", sample: "permit2" },
  payer: { says: "Who paid.", sample: payer },
  payee: { says: "Who was paid.", sample: payee },
  amount: amount("What was paid"),
  permittedAmount: amount(
    "The cap that the payer signed",
    "2000000000000000000",
    "when another contract called the proxy",
  ),
  facilitator: { says: "Sender of the transaction.", sample: bytes(20, "facade00") },
  "Payment.organic": {
    says: "False when the payer is the payee, its operator or another insider; null while OpenGradient is not ready.",
  },

  // Tokens
  token: { says: "The token's contract.", sample: opg },
  tokenInfo: { says: "Only with `include=token`: what the token's contract says of itself." },
  "Token.address": { says: "The token's contract.", sample: opg },
  symbol: {
    says: "What its contract calls itself, sanitised: anyone can call a token anything. Null when it says nothing, or was not asked yet.",
    sample: "OPG",
  },
  decimals: {
    says: "Digits of an amount after the decimal point, 0 to 255. Null when its contract says nothing, or was not asked yet: show base units then.",
    sample: 18,
  },

  // Sums
  raw: amount("All payments"),
  organic: amount(
    "Organic payments, a payer counting for at most 1 OPG or 1 USDC per operator and UTC day",
    "1000000000000000000",
    "for other tokens",
  ),
  "Volume.organic": {
    says: "Organic payments, a payer counting for at most 1 OPG or 1 USDC per UTC day, or part of one in the span, in base units of the token; null for other tokens. The bound is for all addresses of an operator together, and for a node's own address of a node.",
  },
  "TotalVolume.organic": amount(
    "Organic payments, a payer counting for at most 1 OPG or 1 USDC per operator and UTC day",
    "1000000000000000000",
    "for other tokens, and when there is too much to count",
  ),
  payments: count("Payments", 17),
  payers: count("Distinct payers", 4, "while Base is not ready"),
  effectivePayers: {
    says: "(Σv)² / Σv² over the payers' organic volumes: how many equal payers that is worth; null without any.",
    sample: 3.2,
  },
  volume: { says: "All payments, per token; null while Base is not ready." },
  revenue: { says: "What came in, per token; null while Base is not ready." },

  // Channels
  channelId: hash32("The contract's id for the channel", channel),
  "getChannel.id": hash32("The contract's id for the channel", channel),
  "Channel.payer": { says: "Who funds it.", sample: payer },
  payerAuthorizer: { says: "Whose signature makes a voucher.", sample: payer },
  receiver: { says: "Who is paid from the channel.", sample: payee },
  receiverAuthorizer: { says: "Who may claim and refund for the receiver.", sample: payee },
  withdrawDelaySeconds: { says: "From announcing a withdrawal to taking it, seconds.", sample: 86_400 },
  salt: hash32("Tells channels between the same parties apart", bytes(32, "5a17")),
  balance: amount("Funds that came in and were not taken out, claimed ones included", "5000000000000000000"),
  claimed: amount("Claimed by the receiver so far; claiming does not lower `balance`"),
  refunded: amount("Given back to the payer by the receiver", "0"),
  withdrawn: amount("Taken out by the payer", "0"),
  pendingWithdrawal: rare("An announced withdrawal; null without one."),
  "pendingWithdrawal.amount": amount("What is to be withdrawn"),
  finalizableAt: time("From when on it can be taken", -HOUR, "when that is beyond 2^53-1"),
  state: {
    says: "`open`: funded, vouchers can be claimed. `withdrawing`: the payer has announced a withdrawal. `closed`: closed.",
    sample: "open",
  },
  createdAt: time("When it was created", 48 * HOUR),
  updatedAt: time("Block time of its newest event", 60),

  // Filters
  "PaymentFilter.scheme": { says: "How it was paid.", sample: "upto" },
  ...rangeFilter("PaymentFilter", "Paid"),
  "ChannelFilter.payer": { says: "Who funds it.", sample: payer },
  "ChannelFilter.payee": { says: "Who is paid from it.", sample: payee },
  "ChannelFilter.scheme": { says: "All channels are of `batch-settlement`.", sample: "batch-settlement" },
  "ChannelFilter.state": { says: "What the channel can be used for.", sample: "open" },
  ...rangeFilter("ChannelFilter", "Created"),
};
