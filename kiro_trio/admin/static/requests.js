// Recent requests: narrowed, page by page, each with all that is known of it.

import { get } from "./api.js";
import { el, say } from "./dom.js";
import { count, credits, date, duration, moment } from "./format.js";
import { button, chip, choices, heading, nothing, trouble } from "./parts.js";
import { showRequest } from "./request-detail.js";
import { accountName, readRoll, roll } from "./roll.js";
import { t, word } from "./words.js";

const PAGE = 50;
const wish = { client: "", model: "", credential: "", failed: "" };

/** The view; `id` opens the detail of one request. */
export function requestsView(signal, id) {
  const note = el("p", { class: "soft", role: "status" });
  const body = el("tbody", {});
  const heads = ["at", "model", "client", "account", "outcome", "seconds", "tokens", "credits"].map((name) => el("th", { scope: "col", class: name }, t(`requests.${name}`)));
  const table = el("div", { class: "scroll card", tabindex: "0", role: "region", "aria-label": t("view.requests") }, el("table", { class: "records" }, el("thead", {}, el("tr", {}, heads)), body));
  const state = el("div", {});
  let cursors = [null];
  let round = 0;
  const newer = button(t("requests.newer"), () => { cursors.pop(); return load(); });
  const older = button(t("requests.older"), () => load(true));
  let next = null;

  async function load(further = false) {
    if (further) cursors.push(next);
    const mine = (round += 1);
    try {
      if (!roll()) await readRoll().catch(() => null);
      const page = await get("/requests", { ...wish, limit: PAGE, before: cursors.at(-1) });
      if (mine !== round || signal.aborted) return;
      next = page.next;
      body.replaceChildren(...page.requests.map(row));
      table.hidden = page.requests.length === 0;
      state.replaceChildren(...(page.requests.length ? [] : [nothing(t("requests.empty"), t(Object.values(wish).some(Boolean) ? "requests.empty.filter" : "requests.empty.text"))]));
      say(note, t("requests.note", { n: page.requests.length }));
    } catch (error) {
      if (mine === round) state.replaceChildren(trouble(error, () => load()));
    }
    newer.disabled = cursors.length < 2;
    older.disabled = next === null;
  }
  const narrow = () => { cursors = [null]; return load(); };
  load();
  if (id) showRequest(id);
  return el("div", { class: "view" }, heading(t("view.requests"), note, button(t("requests.refresh"), narrow, { sign: "renew" })), filters(narrow), state, table, el("nav", { class: "row centre pager", "aria-label": t("page.nav") }, newer, older));
}

function row(request) {
  const open = el("a", { href: `#requests/${request.id}` }, when(request.at));
  open.addEventListener("click", (event) => {
    event.preventDefault();
    showRequest(request);
  });
  const tries = request.attempts.length > 1 ? el("span", { class: "soft", title: t("requests.tries", { n: request.attempts.length }) }, ` ×${request.attempts.length}`) : null;
  const last = request.attempts.at(-1);
  const tokens = request.outputTokens === null ? "–" : `${request.inputTokens === null ? "–" : count(request.inputTokens)} → ${count(request.outputTokens)}`;
  const cells = {
    at: open,
    model: request.model,
    client: request.client,
    account: [last ? accountName(last.credential) : "–", tries],
    outcome: chip(request.outcome === "whole" ? t("outcome.whole") : word("fault", request.outcome), request.outcome === "whole" ? "ok" : request.outcome === "client_gone" ? "off" : "bad"),
    seconds: duration(request.seconds),
    tokens,
    credits: request.credits === null ? "–" : credits(request.credits),
  };
  return el("tr", { data: { outcome: request.outcome } }, Object.entries(cells).map(([name, value]) => el("td", { class: name, data: { label: t(`requests.${name}`) } }, value)));
}

/** The time of day, with the day if it is another than today's. */
function when(at) {
  const day = date(at).toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
  return moment(at, { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** What to narrow by; clients, models and accounts are those that were seen in the last ninety days. */
function filters(changed) {
  const pick = (name) => {
    const node = el("select", { "aria-label": t(`requests.${name}`), on: { change: () => { wish[name] = node.value; changed(); } } }, el("option", { value: "" }, t(`requests.any.${name}`)));
    offer(node, name);
    return node;
  };
  const which = choices(t("requests.outcome"), [["", t("requests.all")], ["true", t("requests.failed")]], wish.failed, (value) => { wish.failed = value; changed(); });
  return el("div", { class: "tools row" }, which.node, pick("model"), pick("client"), pick("credential"));
}

async function offer(node, name) {
  try {
    const now = Math.floor(Date.now() / 1000);
    const { rows } = await get("/usage", { by: name, since: now - 90 * 86400, until: now + 1 });
    const known = rows.filter((one) => one.key !== null && Number(one.key) !== -1).map((one) => String(one.key));
    if (name === "credential" && !roll()) await readRoll().catch(() => null);
    node.append(...known.map((key) => el("option", { value: key }, name === "credential" ? accountName(Number(key)) : key)));
    node.value = wish[name];
  } catch {
    // the list can be had without it
  }
}
