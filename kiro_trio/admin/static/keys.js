// The keys of the gateway's clients: made (and shown once), limited, revoked.

import { ask, get } from "./api.js";
import { poll } from "./clock.js";
import { confirm, openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { field, form, given, sender } from "./form.js";
import { ago, count, credits, moment } from "./format.js";
import { report, tell } from "./notices.js";
import { button, chip, copyable, heading, nothing, trouble } from "./parts.js";
import { t } from "./words.js";

/** The view. */
export function keysView(signal) {
  const note = el("p", { class: "soft" }, t("keys.note"));
  const state = el("div", {});
  async function load() {
    try {
      const { required, keys } = await get("/keys");
      state.replaceChildren(
        required ? "" : el("p", { class: "banner warn" }, t("keys.open")),
        keys.length ? list(keys, () => refresh()) : nothing(t("keys.empty"), t("keys.empty.text"), button(t("keys.add"), () => makeKey(() => refresh()), { kind: "primary" })),
      );
    } catch (error) {
      state.replaceChildren(trouble(error, () => refresh()));
    }
  }
  const refresh = poll(load, () => 30, signal);
  return el("div", { class: "view" }, heading(t("view.keys"), note, button(t("keys.add"), () => makeKey(() => refresh()), { kind: "primary" })), state);
}

function list(keys, refresh) {
  return el("ul", { class: "plain cards keys", "aria-label": t("view.keys") }, keys.map((key) => card(key, refresh)));
}

function card(key, refresh) {
  const spent = el("i", {});
  const share = key.creditsPerMonth ? Math.min(1, key.creditsThisMonth / key.creditsPerMonth) : 0;
  spent.style.width = `${share * 100}%`;
  const facts = {
    perMinute: key.perMinute === null ? t("unlimited") : count(key.perMinute),
    creditsPerMonth: key.creditsPerMonth === null ? t("unlimited") : credits(key.creditsPerMonth),
    creditsThisMonth: credits(key.creditsThisMonth),
    lastUsedAt: key.lastUsedAt ? ago(key.lastUsedAt) : t("never"),
    createdAt: key.createdAt ? moment(key.createdAt, { dateStyle: "medium" }) : "–",
  };
  return el(
    "li",
    { class: "card key", data: { id: key.id } },
    el("header", {}, el("div", { class: "title" }, el("h3", {}, key.name), el("code", { class: "soft" }, key.mask ?? "–")), key.fromConfig ? chip(t("keys.config"), "off") : null),
    el("dl", { class: "facts" }, Object.entries(facts).map(([name, value]) => el("div", {}, el("dt", {}, t(`key.${name}`)), el("dd", {}, value)))),
    key.creditsPerMonth ? el("div", { class: `bar ${share < 0.75 ? "ok" : share < 1 ? "warn" : "bad"}`, "aria-hidden": "true" }, spent) : null,
    key.fromConfig
      ? el("p", { class: "soft" }, t("keys.config.text"))
      : el("footer", { class: "row" }, button(t("keys.edit"), () => editKey(key, refresh)), button(t("keys.revoke"), () => revoke(key, refresh), { kind: "danger" })),
  );
}

function limits(key = {}) {
  return [
    field({ name: "perMinute", label: t("key.perMinute"), kind: "number", min: 1, step: 1, value: key.perMinute ?? "", placeholder: t("unlimited") }),
    field({ name: "creditsPerMonth", label: t("key.creditsPerMonth"), kind: "number", min: 0, step: "any", value: key.creditsPerMonth ?? "", placeholder: t("unlimited") }),
  ];
}

function makeKey(done) {
  const dialog = openDialog(t("keys.add"), { closed: done });
  const name = field({ name: "name", label: t("key.name"), required: true, maxlength: 64, pattern: "[A-Za-z0-9][A-Za-z0-9 ._@\\-]*", title: t("key.name.hint"), hint: t("key.name.hint") });
  const entry = form([name, ...limits()], async (values) => {
    const made = await ask("POST", "/keys", given(values));
    dialog.body.replaceChildren(el("p", {}, t("keys.made", { name: made.key.name })), copyable(t("keys.secret"), made.secret), el("p", { class: "soft" }, t("keys.once")));
    dialog.foot.replaceChildren(button(t("keys.noted"), dialog.close, { kind: "primary" }));
    dialog.body.querySelector("input").focus();
  });
  dialog.body.append(entry.node);
  dialog.foot.append(button(t("cancel"), dialog.close), sender(entry, t("keys.make")));
}

function editKey(key, done) {
  const dialog = openDialog(t("keys.limits", { name: key.name }));
  const entry = form(limits(key), async (values) => {
    await ask("PATCH", `/keys/${key.id}`, values);
    dialog.close();
    tell(t("keys.changed", { name: key.name }));
    done();
  });
  dialog.body.append(el("p", { class: "soft" }, t("keys.limits.text")), entry.node);
  dialog.foot.append(button(t("cancel"), dialog.close), sender(entry, t("save")));
}

async function revoke(key, done) {
  if (!(await confirm(t("keys.revoke.title", { name: key.name }), t("keys.revoke.text"), t("keys.revoke")))) return;
  await report(() => ask("DELETE", `/keys/${key.id}`), t("keys.revoked", { name: key.name }));
  await done();
}
