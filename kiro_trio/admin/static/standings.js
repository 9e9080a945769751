// How accounts stand, as people sort them: by what has to be done about it.

import { date } from "./format.js";

const TONES = {
  ready: "ok",
  cooling: "warn",
  renewal_delayed: "warn",
  spent_today: "warn",
  spent_this_month: "warn",
  struck_out: "bad",
  renewal_struck_out: "bad",
  suspended: "bad",
  revoked: "bad",
  misconfigured: "bad",
  disabled: "off",
};

/** The groups by which the list can be narrowed. */
export const GROUPS = ["all", "ready", "resting", "help", "off"];

/** The tone of an account: ok, warn, bad or off. */
export function tone(account) {
  return TONES[account.standing] ?? "off";
}

/** The group of an account: it takes requests, comes back by itself, needs its owner, or is switched off. */
export function group(account) {
  if (account.standing === "ready") return "ready";
  if (account.standing === "disabled") return "off";
  return account.healsByItself || date(account.recoversAt) ? "resting" : "help";
}

/** What to call an account. */
export function nameOf(account) {
  return account.email || account.maskedApiKey || `#${account.id}`;
}

/** Whether an account goes with all words of a search. */
export function matches(account, words) {
  const text = [nameOf(account), `#${account.id}`, account.subscriptionTitle, account.standing, account.reason, account.apiRegion, account.kind]
    .join(" ")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}
