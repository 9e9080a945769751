// One account as a card: how it is, what it has left, what can be done.

import { el, mark, say } from "./dom.js";
import { ago, count, credits, date, duration, moment, percent, secondsUntil } from "./format.js";
import { signButton } from "./parts.js";
import { nameOf, tone } from "./standings.js";
import { t, word } from "./words.js";

/** The parts of a card, keyed by what they tell. Everything is there from the start, so that nothing jumps. */
function pieces() {
  const span = (name) => el("span", { class: name });
  return {
    name: el("h3", {}),
    id: span("soft"),
    next: span("chip accent"),
    state: span("chip"),
    reason: el("code", { class: "soft" }),
    why: el("p", { class: "why" }),
    plan: span("plan"),
    left: span("soft"),
    bar: el("div", { class: "bar" }, el("i")),
    flight: el("dd"),
    expires: el("dd"),
    served: el("dd"),
    used: el("dd"),
    order: el("dd"),
    region: el("dd"),
  };
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, t(name)), value);
}

/**
 * A card. `acts` has one function per button, each called with the account; `selected(id)` tells and `select(id, on)`
 * changes whether it is chosen. Returns `{node, update(account), tick()}`.
 */
export function accountCard(acts, selected, select) {
  let account = null;
  const part = pieces();
  const box = el("input", { type: "checkbox", on: { change: () => select(account.id, box.checked) } });
  const toggle = el("input", { type: "checkbox", role: "switch", class: "switch", on: { change: () => flip() } });
  const signs = {
    edit: signButton("edit", t("account.edit"), () => acts.edit(account)),
    renew: signButton("renew", t("account.renew"), () => acts.renew(account)),
    balance: signButton("balance", t("account.balance"), () => acts.balance(account)),
    reset: signButton("reset", t("account.reset"), () => acts.reset(account)),
    remove: signButton("remove", t("account.remove"), () => acts.remove(account), { kind: "danger" }),
  };
  async function flip() {
    toggle.disabled = true;
    await acts.toggle(account, toggle.checked);
    toggle.disabled = account.fromEnvironment;
    toggle.checked = !account.switchedOff;
  }
  const node = el(
    "article",
    { class: "card account" },
    el("header", {}, box, el("div", { class: "title" }, part.name, part.id), toggle),
    el("div", { class: "row states" }, part.state, part.next, part.reason),
    part.why,
    el("div", { class: "allowance" }, el("div", { class: "row between" }, part.plan, part.left), part.bar),
    el(
      "dl",
      { class: "facts" },
      fact("account.flight", part.flight),
      fact("account.expires", part.expires),
      fact("account.served", part.served),
      fact("account.used", part.used),
      fact("account.order", part.order),
      fact("account.region", part.region),
    ),
    el("footer", { class: "row" }, Object.values(signs)),
  );
  function update(now) {
    account = now;
    const name = nameOf(account);
    node.dataset.id = account.id;
    node.dataset.standing = account.standing;
    mark(node, "aria-label", name);
    mark(box, "aria-label", t("account.select", { name }));
    mark(toggle, "aria-label", t("account.switch", { name }));
    box.checked = selected(account.id);
    mark(node, "data-chosen", box.checked);
    if (!toggle.disabled || account.fromEnvironment) toggle.checked = !account.switchedOff;
    toggle.disabled = account.fromEnvironment;
    for (const sign of [signs.edit, signs.reset, signs.remove, signs.renew]) sign.disabled = account.fromEnvironment;
    if (account.authMethod === "api_key") signs.renew.disabled = true;
    show(part, account);
    tick();
  }
  const tick = () => part.why && showTimes(part, account);
  return { node, update, tick };
}

function show(part, account) {
  say(part.name, nameOf(account));
  mark(part.name, "title", nameOf(account));
  say(part.id, `#${account.id} · ${word("kind", account.kind || account.authMethod)}`);
  say(part.state, word("standing", account.standing));
  mark(part.state, "class", `chip ${tone(account)}`);
  say(part.reason, account.reason);
  mark(part.reason, "title", account.reason || null);
  say(part.next, t("account.next"));
  mark(part.next, "hidden", !account.isCurrent);
  showAllowance(part, account);
  say(part.flight, account.concurrency ? t("account.of", { n: account.inFlight, limit: account.concurrency }) : count(account.inFlight));
  say(part.served, t("account.counts", { good: count(account.successCount), bad: count(account.failedRequests) }));
  say(part.order, account.priority);
  say(part.region, account.apiRegion || "–");
  mark(part.region, "title", account.hasProxy ? t("account.by", { proxy: account.effectiveProxy }) : null);
}

function showAllowance(part, account) {
  const balance = account.balance;
  const rest = balance ? Math.min(1, Math.max(0, balance.remaining / (balance.usageLimit || 1))) : 0;
  say(part.plan, balance?.subscriptionTitle || account.subscriptionTitle || t("account.noplan"));
  say(part.left, balance ? t("account.left", { rest: credits(balance.remaining), limit: credits(balance.usageLimit) }) : t("account.unasked"));
  mark(part.left, "title", balance ? t("account.asked", { when: ago(balance.cachedAt) }) : null);
  mark(part.bar, "class", `bar ${!balance ? "unknown" : rest > 0.25 ? "ok" : rest > 0.05 ? "warn" : "bad"}`);
  mark(part.bar, "role", balance ? "meter" : null);
  mark(part.bar, "aria-label", t("account.credits"));
  mark(part.bar, "aria-valuenow", balance ? Math.round(rest * 100) : null);
  mark(part.bar, "aria-valuemin", balance ? 0 : null);
  mark(part.bar, "aria-valuemax", balance ? 100 : null);
  mark(part.bar, "aria-valuetext", balance ? percent(rest) : null);
  part.bar.firstChild.style.width = `${rest * 100}%`;
}

/** What changes with the time alone. */
function showTimes(part, account) {
  say(part.why, why(account));
  say(part.expires, expiry(account));
  say(part.used, account.lastUsedAt ? ago(account.lastUsedAt) : t("never"));
}

/** Why an account is out, and when it is back. */
function why(account) {
  if (account.fromEnvironment && account.standing === "ready") return t("account.environment");
  if (account.standing === "ready") return refill(account);
  const about = account.standing === "misconfigured" ? account.sentence : t(`why.${account.standing}`);
  const wait = secondsUntil(account.recoversAt);
  const back = wait === null ? "" : wait > 0 ? t("account.back", { span: duration(wait, { fine: false }) }) : t("account.soon");
  return [about, back].filter(Boolean).join(" – ");
}

/** What there is to say of an account that is well. */
function refill(account) {
  const when = account.balance?.nextResetAt ?? account.resetsAt;
  return when ? t("account.refill", { when: moment(when, { month: "short", day: "numeric" }) }) : t("account.ready");
}

function expiry(account) {
  if (account.authMethod === "api_key") return t("account.noexpiry");
  const rest = date(account.expiresAt) ? secondsUntil(account.expiresAt) : null;
  if (rest === null) return t("account.unrenewed");
  return rest > 0 ? t("time.in", { span: duration(rest, { fine: false }) }) : t("account.expired");
}
