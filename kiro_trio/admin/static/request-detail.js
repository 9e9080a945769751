// All that is known of one request: numbers, names and every attempt. Never a word of it, for none is kept.

import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { bytes, count, credits, duration, moment } from "./format.js";
import { button, chip, trouble } from "./parts.js";
import { accountName } from "./roll.js";
import { t, word } from "./words.js";

/** Show a request, given itself or its id. */
export async function showRequest(request) {
  const dialog = openDialog(t("detail.title"), { wide: true });
  dialog.foot.append(button(t("close"), dialog.close, { kind: "primary" }));
  try {
    dialog.body.replaceChildren(...detail(typeof request === "string" ? await get(`/requests/${encodeURIComponent(request)}`) : request));
  } catch (error) {
    dialog.body.replaceChildren(trouble(error, () => { dialog.close(); showRequest(request); }));
  }
}

const number = (value) => (value === null ? "–" : count(value));

function detail(request) {
  const facts = {
    id: el("code", {}, request.id),
    at: moment(request.at, { dateStyle: "medium", timeStyle: "medium" }),
    model: request.model,
    client: request.client,
    status: request.status,
    outcome: outcome(request.outcome),
    stream: t(request.stream ? "live.stream" : "live.whole"),
    seconds: duration(request.seconds),
    firstContent: request.firstContent === null ? "–" : duration(request.firstContent),
    bytes: bytes(request.bytes),
    pings: count(request.pings),
    input: number(request.inputTokens),
    output: `${number(request.outputTokens)}${request.outputTokens === null || request.measured ? "" : ` ${t("detail.estimated")}`}`,
    cache: `${number(request.cacheReadTokens)} / ${number(request.cacheWriteTokens)}`,
    estimate: count(request.estimate),
    credits: credits(request.credits),
    prefix: el("code", {}, request.prefixHash || "–"),
  };
  return [
    el("dl", { class: "facts detail" }, Object.entries(facts).map(([name, value]) => el("div", {}, el("dt", {}, t(`detail.${name}`)), el("dd", {}, value)))),
    el("h3", {}, t("detail.attempts", { n: request.attempts.length })),
    request.attempts.length ? el("ol", { class: "plain tries tree" }, request.attempts.map(attempt)) : el("p", { class: "soft" }, t("detail.none")),
  ];
}

function outcome(name) {
  return name === "whole" ? chip(t("outcome.whole"), "ok") : chip(word("fault", name), name === "client_gone" ? "off" : "bad");
}

function attempt(one, place) {
  const said = [one.status && `HTTP ${one.status}`, one.reason, one.detail].filter(Boolean).join(" · ");
  return el("li", {}, el("span", { class: "row" }, el("span", { class: "who" }, t("live.try", { n: place + 1, name: accountName(one.credential) })), outcome(one.outcome), el("span", { class: "soft" }, duration(one.seconds))), said ? el("p", { class: "soft" }, said) : null);
}
