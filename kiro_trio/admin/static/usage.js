// What was used: requests, tokens, credits and latencies by hour or day, and who used them.

import { get } from "./api.js";
import { spans } from "./chart-scale.js";
import { chart } from "./charts.js";
import { poll } from "./clock.js";
import { el } from "./dom.js";
import { brief, count, credits, duration, moment, percent } from "./format.js";
import { choices, heading, nothing, trouble } from "./parts.js";
import { accountName, readRoll } from "./roll.js";
import { t } from "./words.js";

const RANGES = { "1d": ["hour", 86400], "7d": ["hour", 7 * 86400], "30d": ["day", 30 * 86400], "90d": ["day", 90 * 86400] };
const wish = { range: "1d", kind: "first_content" };

/** The view. */
export function usageView(signal) {
  const state = el("div", { class: "charts" });
  const tables = el("div", { class: "tables" });
  const range = choices(t("usage.range"), Object.keys(RANGES).map((name) => [name, t(`usage.${name}`)]), wish.range, (name) => { wish.range = name; refresh(); });
  const kind = choices(t("usage.latency.kind"), ["first_content", "total"].map((name) => [name, t(`usage.${name}`)]), wish.kind, (name) => { wish.kind = name; refresh(); });
  let round = 0;
  async function load() {
    const mine = (round += 1);
    const [by, seconds] = RANGES[wish.range];
    const until = Math.floor(Date.now() / 1000) + 1;
    const query = { by, since: until - seconds, until };
    try {
      const [usage, latency, ...sums] = await Promise.all([
        get("/usage", query),
        get("/usage/latency", query),
        ...["model", "credential", "client"].map((key) => get("/usage", { ...query, by: key })),
        readRoll().catch(() => null),
      ]);
      if (mine !== round) return;
      const total = usage.rows.reduce((sum, row) => sum + row.requests, 0);
      state.replaceChildren(...(total ? drawings(usage, latency, query) : [nothing(t("usage.empty"), t("usage.empty.text"))]));
      tables.replaceChildren(...(total ? sums.slice(0, 3).map(sumTable) : []));
    } catch (error) {
      state.replaceChildren(trouble(error, () => refresh()));
      tables.replaceChildren();
    }
  }
  const refresh = poll(load, () => 60, signal);
  return el("div", { class: "view" }, heading(t("view.usage"), el("p", { class: "soft" }, t("usage.note"))), el("div", { class: "tools row between" }, range.node, kind.node), state, tables);
}

function drawings(usage, latency, { by, since, until }) {
  const places = spans(by, since, until);
  const rows = new Map(usage.rows.map((row) => [Number(row.key), row]));
  const of = (read) => places.map((place) => (rows.has(place) ? read(rows.get(place)) : 0));
  const day = { month: "short", day: "numeric", timeZone: "UTC" };
  const labels = places.map((place) => moment(place, by === "hour" ? { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" } : { ...day, weekday: "short" }));
  const short = places.map((place) => moment(place, by === "hour" && until - since <= 86402 ? { hour: "2-digit", minute: "2-digit" } : by === "hour" ? { month: "short", day: "numeric" } : day));
  const base = { labels, marks: short };
  const total = (read) => usage.rows.reduce((sum, row) => sum + read(row), 0);
  const failures = total((row) => row.failures);
  return [
    chart({ ...base, kind: "bars", title: t("usage.requests"), format: brief, note: t("usage.requests.note", { n: count(total((row) => row.requests)), bad: count(failures) }), series: [
      { name: t("usage.good"), tone: "s1", values: of((row) => row.requests - row.failures) },
      { name: t("usage.failed"), tone: "sbad", values: of((row) => row.failures) },
    ] }),
    chart({ ...base, kind: "bars", title: t("usage.tokens"), format: brief, note: brief(total((row) => row.inputTokens + row.outputTokens)), series: [
      { name: t("usage.output"), tone: "s1", values: of((row) => row.outputTokens) },
      { name: t("usage.input"), tone: "s2", values: of((row) => row.inputTokens) },
      { name: t("usage.cached"), tone: "s3", values: of((row) => row.cacheReadTokens + row.cacheWriteTokens) },
    ] }),
    chart({ ...base, kind: "bars", title: t("usage.credits"), format: brief, note: credits(total((row) => row.credits)), series: [{ name: t("usage.credits"), tone: "s1", values: of((row) => row.credits) }] }),
    latencyChart(latency, places, base),
  ];
}

function latencyChart(latency, places, base) {
  const rows = new Map(latency.rows.filter((row) => row.kind === wish.kind).map((row) => [Number(row.key), row]));
  const of = (name) => places.map((place) => rows.get(place)?.[name] ?? null);
  const tones = { p50: "s1", p90: "s2", p99: "s3" };
  return chart({ ...base, kind: "lines", title: t("usage.latency"), note: t(`usage.${wish.kind}`), format: (value) => duration(value), series: Object.entries(tones).map(([name, tone]) => ({ name, tone, values: of(name) })) });
}

/** Who used how much, the most first. */
function sumTable(usage) {
  const rows = [...usage.rows].sort((one, other) => other.requests - one.requests).slice(0, 12);
  const most = Math.max(1, ...rows.map((row) => row.requests));
  const name = (row) => (usage.by === "credential" ? (Number(row.key) < 0 || row.key === null ? "–" : accountName(Number(row.key))) : row.key);
  const line = (row) => {
    const bar = el("i", {});
    bar.style.width = `${(row.requests / most) * 100}%`;
    return el("tr", {}, el("th", { scope: "row" }, el("span", {}, name(row)), el("div", { class: "bar thin", "aria-hidden": "true" }, bar)), el("td", {}, count(row.requests)), el("td", {}, percent(row.failures / Math.max(1, row.requests))), el("td", {}, brief(row.inputTokens + row.outputTokens)), el("td", {}, credits(row.credits)));
  };
  const heads = ["requests", "failed", "tokens", "credits"].map((column) => el("th", { scope: "col" }, t(`usage.${column}`)));
  return el("section", { class: "card" }, el("h3", {}, t(`usage.by.${usage.by}`)), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t(`usage.by.${usage.by}`) }, el("table", { class: "sums" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t(`usage.${usage.by}`)), heads)), el("tbody", {}, rows.map(line)))));
}
