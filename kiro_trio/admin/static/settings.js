// The gateway itself: how it is, what can be changed while it runs, and how it is set.

import { ask, get } from "./api.js";
import { poll } from "./clock.js";
import { el, say } from "./dom.js";
import { count, duration, moment } from "./format.js";
import { report, warn } from "./notices.js";
import { button, chip, choices, heading, trouble } from "./parts.js";
import { t } from "./words.js";

const MODES = ["priority", "balanced"];
const LEVELS = ["debug", "info", "warning", "error"];

/** The view. */
export function settingsView(signal) {
  const status = el("section", { class: "card" });
  const changes = el("section", { class: "card" });
  const table = el("section", { class: "card" });
  const models = el("section", { class: "card" });
  poll(async () => put(status, async () => statusParts(await get("/status"))), () => 10, signal);
  put(models, async () => modelParts(await get("/models")));
  put(table, async () => tableParts(await get("/config")));
  put(changes, async () => changeParts(...(await Promise.all([get("/config/load-balancing"), get("/config/log-level")])), () => put(table, async () => tableParts(await get("/config")))));
  return el("div", { class: "view" }, heading(t("view.settings"), null), el("div", { class: "pair" }, status, changes), models, table);
}

async function put(where, make) {
  try {
    where.replaceChildren(...(await make()).filter(Boolean));
  } catch (error) {
    where.replaceChildren(trouble(error, () => put(where, make)));
  }
}

function facts(values) {
  return el("dl", { class: "facts" }, Object.entries(values).map(([name, value]) => el("div", {}, el("dt", {}, t(`status.${name}`)), el("dd", {}, value))));
}

function statusParts(status) {
  const unknown = Object.entries(status.unknown);
  return [
    el("h2", {}, t("status.title")),
    facts({
      version: status.version,
      uptime: el("span", { title: moment(status.startedAt) }, duration(status.uptime, { fine: false })),
      accounts: t("account.of", { n: count(status.available), limit: count(status.accounts) }),
      inFlight: count(status.inFlight),
      waiting: count(status.waiting),
      store: chip(t(status.storeWritable ? "status.writable" : "status.readonly"), status.storeWritable ? "ok" : "bad"),
    }),
    status.draining ? el("p", { class: "banner warn" }, t("status.draining")) : null,
    status.problems.length ? el("ul", { class: "plain problems" }, status.problems.map((problem) => el("li", { class: "banner warn" }, problem))) : null,
    unknown.length ? el("p", { class: "soft" }, t("status.unknown"), " ", unknown.map(([name, n]) => `${name} × ${n}`).join(", ")) : null,
  ];
}

function changeParts({ mode }, { level }, changed) {
  const answer = el("div", { "aria-live": "polite" });
  const order = choices(t("settings.mode"), MODES.map((name) => [name, t(`mode.${name}`)]), mode, (name) => change(() => ask("PUT", "/config/load-balancing", { mode: name }), () => order.choose(mode), () => (mode = name)));
  const words = choices(t("settings.level"), LEVELS.map((name) => [name, name]), level, (name) => change(() => ask("PUT", "/config/log-level", { level: name }), () => words.choose(level), () => (level = name)));
  async function change(act, undo, keep) {
    if (await report(act, t("settings.changed"))) {
      keep();
      changed();
    } else undo();
  }
  const reload = async () => {
    try {
      answer.replaceChildren(...reloadParts(await ask("POST", "/reload")));
      changed();
    } catch (error) {
      warn(error);
    }
  };
  return [
    el("h2", {}, t("settings.running")),
    el("h3", {}, t("settings.mode")),
    order.node,
    el("p", { class: "hint" }, t("settings.mode.hint")),
    el("h3", {}, t("settings.level")),
    words.node,
    el("h3", {}, t("settings.reload")),
    el("p", { class: "hint" }, t("settings.reload.hint")),
    button(t("settings.reload.act"), reload, { sign: "renew" }),
    answer,
  ];
}

function reloadParts(answer) {
  const some = (name, keys) => (keys.length ? el("p", {}, `${t(`settings.${name}`)}: `, el("code", {}, keys.join(", "))) : null);
  return [
    el("p", { class: "banner ok" }, t("settings.reloaded")),
    some("applied", answer.applied),
    some("restart", answer.needsRestart),
    ...answer.warnings.map((words) => el("p", { class: "banner warn" }, words)),
  ].filter(Boolean);
}

function modelParts({ models }) {
  const heads = ["id", "window", "output", "rate"].map((name) => el("th", { scope: "col" }, t(`model.${name}`)));
  const rows = models.map((model) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, model.id)), el("td", {}, count(model.window)), el("td", {}, count(model.maxOutput)), el("td", {}, model.rate === null ? "–" : `×${model.rate}`)));
  return [el("details", {}, el("summary", {}, el("h2", {}, t("settings.models", { n: models.length }))), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("settings.models", { n: models.length }) }, el("table", { class: "sums" }, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows))))];
}

function tableParts({ file, settings }) {
  const rows = settings.map((setting) => ({ text: `${setting.key} ${setting.sentence}`.toLowerCase(), node: settingRow(setting) }));
  const search = el("input", { type: "search", placeholder: t("settings.search"), "aria-label": t("settings.search") });
  const none = el("p", { class: "soft", role: "status" });
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const row of rows) row.node.hidden = !row.text.includes(wanted);
    say(none, rows.every((row) => row.node.hidden) ? t("settings.none") : "");
  });
  return [
    el("div", { class: "row between" }, el("h2", {}, t("settings.all")), search),
    el("p", { class: "soft" }, file ? t("settings.file", { file }) : t("settings.nofile")),
    none,
    el("dl", { class: "rows" }, rows.map((row) => row.node)),
  ];
}

function settingRow(setting) {
  const value = setting.secret ? t(setting.isSet ? "settings.secret" : "settings.unset") : show(setting.value);
  return el("div", { class: "setting", data: { key: setting.key } }, el("dt", {}, el("code", {}, setting.key), setting.isSet ? chip(t("settings.set"), "accent") : null), el("dd", {}, el("code", { class: "value" }, value), el("p", { class: "hint", lang: "en" }, setting.sentence)));
}

function show(value) {
  if (value === "" || value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
