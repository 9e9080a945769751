// Around the cards: search and groups, pages, and what can be done to many accounts at once.

import { actOnMany, BULK } from "./account-acts.js";
import { el, say } from "./dom.js";
import { exportAccounts } from "./export.js";
import { count } from "./format.js";
import { button, choices } from "./parts.js";
import { group, GROUPS } from "./standings.js";
import { t } from "./words.js";

/** So many accounts are on a page. */
export const PAGE = 48;

/** Search, groups with their sizes, and the choice of all that are found. */
export function makeTools(wish, chosen, changed) {
  const search = el("input", { type: "search", placeholder: t("accounts.search"), "aria-label": t("accounts.search"), value: wish.search, on: { input: () => { wish.search = search.value; changed(); } } });
  const groups = choices(t("accounts.groups"), GROUPS.map((name) => [name, el("span", {}, t(`group.${name}`), el("b", {}))]), wish.group, (name) => { wish.group = name; changed(); });
  const sizes = [...groups.node.querySelectorAll("b")];
  let shown = [];
  const all = button("", () => chosen.set(allChosen() ? [] : shown.map((account) => account.id)), { kind: "quiet" });
  const allChosen = () => shown.length > 0 && shown.every((account) => chosen.has(account.id));
  const name = () => say(all.lastChild, allChosen() ? t("accounts.leave") : t("accounts.choose", { n: shown.length }));
  name();
  return {
    node: el("div", { class: "tools row" }, search, groups.node, all),
    update(roll, found) {
      shown = found;
      GROUPS.forEach((group_, place) => say(sizes[place], count(group_ === "all" ? roll.total : roll.credentials.filter((one) => group(one) === group_).length)));
      name();
    },
    reset() {
      search.value = "";
      groups.choose("all");
    },
  };
}

/** Page by page; hidden while one is enough. */
export function makePager(wish, changed) {
  const words = el("span", { class: "soft" });
  const turn = (step) => () => { wish.page += step; changed(); scrollTo(0, 0); };
  const back = button(t("page.back"), turn(-1));
  const on = button(t("page.on"), turn(1));
  return {
    node: el("nav", { class: "row centre pager", hidden: true, "aria-label": t("page.nav") }, back, words, on),
    update(total, page, pages) {
      this.node.hidden = pages < 2;
      back.disabled = page === 0;
      on.disabled = page >= pages - 1;
      say(words, t("page.of", { from: count(page * PAGE + 1), to: count(Math.min(total, (page + 1) * PAGE)), total: count(total) }));
    },
  };
}

/** What can be done to all that are chosen; lies over the page, so that nothing moves when it comes. */
export function bulkBar(chosen, picked, refresh) {
  const words = el("b", { role: "status" });
  const deed = (name) => button(t(`account.${name}`), async () => { await actOnMany(name, picked().filter((one) => !one.fromEnvironment)); await refresh(); }, { kind: name === "remove" ? "danger" : "" });
  const node = el("div", { class: "bulk", role: "region", "aria-label": t("bulk.region"), hidden: true }, words, el("div", { class: "row" }, BULK.map(deed), button(t("accounts.export"), () => exportAccounts(picked())), button(t("bulk.clear"), () => chosen.set([]), { kind: "quiet" })));
  return {
    node,
    update() {
      node.hidden = chosen.size === 0;
      say(words, t("bulk.count", { n: chosen.size }));
    },
  };
}
