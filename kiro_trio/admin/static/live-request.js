// One running request with its session and its attempts; kept up to date, and with an end to it.

import { ask } from "./api.js";
import { confirm } from "./dialog.js";
import { el, keyed, mark, say } from "./dom.js";
import { bytes, count, duration } from "./format.js";
import { report } from "./notices.js";
import { button } from "./parts.js";
import { accountName } from "./roll.js";
import { t, word } from "./words.js";

const PHASES = { waiting: "warn", renewing: "warn", asked: "accent", answering: "ok", between: "warn" };

/** A part for `keyed`, of `{request, ended}`. */
export function liveRequest() {
  let current = null;
  const value = (name) => el("span", { class: `value ${name}` });
  const part = { model: el("h3", {}), client: value("client"), phase: el("span", { class: "chip" }), age: value("age"), bytes: value("bytes"), pings: value("pings"), status: value("status"), session: el("p", { class: "session" }), bar: el("div", { class: "timeline", "aria-hidden": "true" }), tries: el("ol", { class: "plain tries" }) };
  const stop = button(t("live.cancel"), () => cancel(current), { kind: "danger small" });
  const node = el(
    "li",
    { class: "card request" },
    el("header", { class: "row between" }, el("div", { class: "title" }, part.model, part.client), part.phase, stop),
    el("dl", { class: "facts wide" }, fact("live.age", part.age), fact("live.status", part.status), fact("live.bytes", part.bytes), fact("live.pings", part.pings)),
    part.bar,
    el("div", { class: "tree" }, part.session, part.tries),
  );
  function update({ request, ended }) {
    current = request;
    const over = ended !== null;
    node.dataset.id = request.id;
    mark(node, "data-over", over);
    stop.disabled = over;
    say(part.model, request.model);
    say(part.client, `${request.client} · ${request.id.slice(0, 12)}`);
    mark(part.client, "title", request.id);
    say(part.phase, over ? t("live.over") : word("phase", request.session.phase));
    mark(part.phase, "class", `chip ${over ? "off" : (PHASES[request.session.phase] ?? "off")}`);
    say(part.age, duration(request.age));
    say(part.status, request.status ?? t("live.unsent"));
    say(part.bytes, bytes(request.bytes));
    say(part.pings, count(request.pings));
    showSession(part, request);
  }
  return { node, update };
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, t(name)), el("dd", {}, value));
}

function showSession(part, request) {
  const { session } = request;
  const stream = t(request.stream ? "live.stream" : "live.whole");
  say(part.session, [t("live.session"), t("live.phase", { phase: word("phase", session.phase), span: duration(session.phaseSeconds) }), word("heard", session.heard), stream, t("live.prompt", { n: count(request.estimate) })].join(" · "));
  const numbered = session.attempts.map((attempt, place) => ({ attempt, place }));
  keyed(part.tries, numbered, (one) => one.place, liveTry);
  keyed(part.bar, numbered, (one) => one.place, segment);
  let used = 0;
  for (const child of part.bar.children) {
    const share = Math.min(1 - used, Number(child.dataset.seconds) / Math.max(request.age, 0.1));
    used += share;
    child.style.width = `${share * 100}%`;
  }
}

/** How an attempt stands: running, whole, or failed. */
function toneOf(state) {
  return { asked: "accent", answering: "ok", whole: "ok" }[state] ?? "bad";
}

function segment() {
  const node = el("i", {});
  return {
    node,
    update({ attempt }) {
      node.dataset.seconds = attempt.seconds;
      mark(node, "class", toneOf(attempt.state));
    },
  };
}

function liveTry() {
  const name = el("span", { class: "who" });
  const state = el("span", { class: "chip" });
  const facts = el("span", { class: "soft value" });
  return {
    node: el("li", {}, el("span", { class: "row" }, name, state, facts)),
    update({ attempt, place }) {
      const running = attempt.state === "asked" || attempt.state === "answering";
      const tone = toneOf(attempt.state);
      say(name, t("live.try", { n: place + 1, name: accountName(attempt.credential) }));
      say(state, running || attempt.state === "whole" ? word("try", attempt.state) : word("fault", attempt.state));
      mark(state, "class", `chip ${tone}`);
      const first = attempt.firstByte === null ? "" : t("live.first", { span: t("time.s", { s: attempt.firstByte.toFixed(2) }) });
      say(facts, [duration(attempt.seconds), first, attempt.reads ? t("live.reads", { n: count(attempt.reads) }) : ""].filter(Boolean).join(" · "));
    },
  };
}

async function cancel(request) {
  const sure = await confirm(t("live.cancel.title"), t("live.cancel.text", { model: request.model, client: request.client }), t("live.cancel.act"));
  if (sure) await report(() => ask("POST", `/live/${request.id}/cancel`), t("live.cancelled"));
}
