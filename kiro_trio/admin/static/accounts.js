// The accounts: searched, narrowed, page by page, one or many at once.

import { act, remove } from "./account-acts.js";
import { accountCard } from "./account-card.js";
import { addAccount, editAccount } from "./account-forms.js";
import { bulkBar, makePager, makeTools, PAGE } from "./account-tools.js";
import { every, poll } from "./clock.js";
import { el, keyed, say } from "./dom.js";
import { exportAccounts } from "./export.js";
import { feed, picture } from "./feed.js";
import { count } from "./format.js";
import { acceptDrops, importAccounts } from "./import.js";
import { button, heading, nothing, trouble } from "./parts.js";
import { readRoll, roll } from "./roll.js";
import { Selection } from "./selection.js";
import { signIn, signInNotice } from "./sign-in.js";
import { group, matches } from "./standings.js";
import { t } from "./words.js";

/** What was searched for and chosen stays while other views are looked at. */
const wish = { search: "", group: "all", page: 0 };
const chosen = new Selection();

/** The view. */
export function accountsView(signal) {
  const grid = el("div", { class: "cards" });
  const state = el("div", {});
  const note = el("p", { class: "soft", role: "status" });
  const pager = makePager(wish, () => draw());
  const bar = bulkBar(chosen, () => picked(), () => refresh());
  const tools = makeTools(wish, chosen, () => { wish.page = 0; draw(); });
  let parts = new Map();
  let shown = [];

  function matching() {
    const words = wish.search.toLowerCase().split(/\s+/).filter(Boolean);
    const all = roll()?.credentials ?? [];
    return all.filter((account) => (wish.group === "all" || group(account) === wish.group) && matches(account, words));
  }
  const picked = () => (roll()?.credentials ?? []).filter((account) => chosen.has(account.id));

  function draw() {
    const all = roll();
    if (!all) return;
    shown = matching();
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    wish.page = Math.min(wish.page, pages - 1);
    const here = shown.slice(wish.page * PAGE, (wish.page + 1) * PAGE);
    parts = keyed(grid, here, (account) => account.id, () => accountCard(acts, chosen.has, chosen.put));
    pager.update(shown.length, wish.page, pages);
    tools.update(all, shown);
    say(note, t("accounts.note", { n: all.total, ready: count(all.available), total: count(all.total) }));
    const empty = all.total === 0 ? emptyHouse(adding) : shown.length === 0 ? nothing(t("accounts.none"), t("accounts.none.text"), button(t("accounts.clear"), clear)) : null;
    state.replaceChildren(...(empty ? [empty] : []));
  }
  function clear() {
    Object.assign(wish, { search: "", group: "all", page: 0 });
    tools.reset();
    draw();
  }
  async function load() {
    try {
      const all = await readRoll();
      chosen.keepOnly(all.credentials.map((account) => account.id));
      draw();
    } catch (error) {
      if (!roll()) state.replaceChildren(trouble(error, refresh));
    }
  }
  const after = async (done) => (await done) && refresh();
  const acts = {
    edit: (account) => editAccount(account, () => refresh()),
    renew: (account) => after(act("renew", account)),
    balance: (account) => after(act("balance", account)),
    reset: (account) => after(act("reset", account)),
    remove: (account) => after(remove(account)),
    toggle: async (account, on) => { await act(on ? "enable" : "disable", account); await refresh(); },
  };
  const adding = {
    signIn: () => signIn(() => refresh(), () => signIns.refresh()),
    import: (files) => importAccounts(files, () => refresh()),
    add: () => addAccount(() => refresh()),
  };
  const refresh = poll(load, () => 10 + (roll()?.total ?? 0) / 25, signal);
  every(1, () => parts.forEach((part) => part.tick()), signal);
  followFlights(() => parts, signal);
  chosen.addEventListener("change", () => { bar.update(); draw(); }, { signal });
  const signIns = signInNotice(() => refresh(), signal);
  draw();
  bar.update();
  const actions = [
    button(t("accounts.export"), () => exportAccounts(picked())),
    button(t("accounts.import"), () => adding.import([])),
    button(t("accounts.add"), adding.add),
    button(t("accounts.signin"), adding.signIn, { kind: "primary" }),
  ];
  const view = el("div", { class: "view" }, heading(t("view.accounts"), note, actions), signIns.node, tools.node, state, grid, pager.node, bar.node);
  acceptDrops(view, adding.import, signal);
  return view;
}

function emptyHouse(adding) {
  return nothing(
    t("accounts.empty"),
    t("accounts.empty.text"),
    button(t("accounts.signin"), adding.signIn, { kind: "primary" }),
    button(t("accounts.import"), () => adding.import([])),
    button(t("accounts.add"), adding.add),
  );
}

/** How many requests each account serves is known each second; the list itself is asked for less often. */
function followFlights(parts, signal) {
  feed.addEventListener("picture", () => {
    const flights = new Map();
    for (const request of picture.requests) {
      const last = request.session.attempts.at(-1);
      if (last && (last.state === "asked" || last.state === "answering")) flights.set(last.credential, (flights.get(last.credential) ?? 0) + 1);
    }
    for (const account of roll()?.credentials ?? []) {
      const now = flights.get(account.id) ?? 0;
      if (account.inFlight === now) continue;
      account.inFlight = now;
      parts().get(account.id)?.update(account);
    }
  }, { signal });
}
