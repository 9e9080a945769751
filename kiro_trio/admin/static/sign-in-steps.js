// A sign-in that has begun: what to open, what to type or paste, how long it waits, how it ended.

import { ask, get } from "./api.js";
import { every, poll } from "./clock.js";
import { el, outside, say } from "./dom.js";
import { field, form } from "./form.js";
import { duration, secondsUntil, credits } from "./format.js";
import { button, copyable } from "./parts.js";
import { t, word } from "./words.js";

const LOOK = 1.5;

/** States in which there is still something to wait for. */
export const RUNNING = ["waiting", "finishing"];

/** Show a sign-in in a dialog until it is over; closing the dialog does not end it. `done`: an account was stored. */
export function followSignIn(dialog, begun, done) {
  const leaving = new AbortController();
  let current = begun;
  dialog.node.addEventListener("close", () => leaving.abort());
  const state = el("p", { class: "state", role: "status" });
  const rest = el("p", { class: "soft" });
  const steps = el("div", {});
  let drawn = "";
  dialog.body.replaceChildren(el("p", { class: "soft" }, word("provider", begun.provider)), steps, el("div", { class: "row between" }, state, rest));
  dialog.foot.replaceChildren(
    button(t("signin.stop"), async () => take(await stopped(begun.id))),
    button(t("signin.later"), dialog.close, { kind: "quiet" }),
  );
  function take(now) {
    current = now;
    if (RUNNING.includes(now.state)) {
      say(state, t(now.state === "waiting" && !now.url ? "signin.asking" : `signin.${now.state}`));
      show(now);
      return;
    }
    leaving.abort();
    finish(dialog, now);
    ask("DELETE", `/sign-ins/${begun.id}`).catch(() => null);
    if (now.state === "done") done();
  }
  /** Drawn anew only when there is something else to do, lest a half-typed address is lost. */
  function show(now) {
    const what = [now.url, now.userCode, now.needsAddress].join(" ");
    if (what === drawn) return;
    drawn = what;
    steps.replaceChildren(...(now.url ? [now.method === "device" ? deviceSteps(now) : browserSteps(now, take)] : []));
  }
  async function look() {
    try {
      take(await get(`/sign-ins/${begun.id}`));
    } catch (error) {
      if (error.status === 404) take({ ...current, state: "failed", message: error.message });
      else say(state, error.message);
    }
  }
  every(1, () => say(rest, t("signin.left", { span: duration(Math.max(0, secondsUntil(current.expiresAt)), { fine: false }) })), leaving.signal);
  take(begun);
  if (!leaving.signal.aborted) poll(look, () => LOOK, leaving.signal);
}

/** One that is being stored is stored all the same: what became of it is asked. */
async function stopped(id) {
  await ask("DELETE", `/sign-ins/${id}`).catch(() => null);
  return get(`/sign-ins/${id}`).catch(() => ({ state: "cancelled", message: t("signin.stopped") }));
}

function step(number, ...what) {
  return el("li", {}, el("span", { class: "number", "aria-hidden": "true" }, number), el("div", {}, what));
}

function opener(begun) {
  return outside(begun.url, t("signin.open")) ?? el("code", {}, begun.url);
}

function deviceSteps(begun) {
  return el(
    "ol",
    { class: "steps" },
    step(1, el("p", {}, t("signin.device.open")), opener(begun)),
    step(2, el("p", {}, t("signin.device.code")), begun.userCode ? copyable(t("signin.code"), begun.userCode) : null),
    step(3, el("p", {}, t("signin.device.wait"))),
  );
}

function browserSteps(begun, take) {
  const address = field({ name: "address", label: t("signin.address"), required: true, placeholder: `${begun.redirectUri ?? "http://localhost"}?code=…&state=…` });
  const entry = form([address], async (values) => take(await ask("POST", `/sign-ins/${begun.id}/address`, values)), el("button", { type: "submit", class: "button primary" }, t("signin.send")));
  return el(
    "ol",
    { class: "steps" },
    step(1, el("p", {}, t("signin.browser.open")), opener(begun)),
    begun.needsAddress ? step(2, el("p", {}, t("signin.browser.paste", { where: begun.redirectUri ?? "http://localhost" })), entry.node) : null,
  );
}

/** How it ended, and what to do now. */
function finish(dialog, now) {
  const good = now.state === "done";
  const facts = [now.email, now.subscriptionTitle, now.remaining === null || now.remaining === undefined ? null : t("signin.remaining", { rest: credits(now.remaining) })].filter(Boolean);
  dialog.body.replaceChildren(
    el("div", { class: `ending ${good ? "ok" : "bad"}`, role: "status" }, el("h3", {}, t(`signin.${now.state}`)), el("p", {}, now.message), facts.length ? el("p", { class: "soft" }, facts.join(" · ")) : null),
  );
  dialog.foot.replaceChildren(button(t("close"), dialog.close, { kind: "primary" }));
  dialog.foot.firstChild.focus();
}
