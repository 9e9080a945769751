// Adding an account by what one has of it, and changing one.

import { ask } from "./api.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { field, folded, form, given, sender, valueOf } from "./form.js";
import { tell } from "./notices.js";
import { button, choices } from "./parts.js";
import { nameOf } from "./standings.js";
import { t } from "./words.js";

const text = (name, more = {}) => field({ name, label: t(`field.${name}`), ...more });
const whole = (name, min, more = {}) => text(name, { kind: "number", min, step: 1, inputmode: "numeric", ...more });

/** Where requests of an account go; the same for a new one, an old one and a sign-in. */
export function routeFields(values = {}) {
  return [
    text("proxyUrl", { value: values.proxyUrl ?? "", hint: t("hint.proxyUrl"), placeholder: "http://proxy.example:8080" }),
    text("proxyUsername", { placeholder: values.unchanged ?? "" }),
    text("proxyPassword", { kind: "password", placeholder: values.unchanged ?? "", autocomplete: "new-password" }),
  ];
}

const KINDS = ["social", "idc", "api_key"];

/** Ask for a new account; `done` is called once it is there. */
export function addAccount(done) {
  const dialog = openDialog(t("add.title"));
  const secrets = {
    social: [text("refreshToken", { kind: "password", required: true, autocomplete: "new-password" })],
    idc: [
      text("refreshToken", { kind: "password", required: true, autocomplete: "new-password" }),
      text("clientId", { required: true }),
      text("clientSecret", { kind: "password", required: true, autocomplete: "new-password" }),
    ],
    api_key: [text("kiroApiKey", { kind: "password", required: true, placeholder: "ksk_…", autocomplete: "new-password" })],
  };
  const groups = Object.fromEntries(KINDS.map((kind) => [kind, el("div", { class: "fields", hidden: kind !== "social" }, secrets[kind].map((one) => one.node))]));
  let chosen = "social";
  const kinds = choices(t("add.kind"), KINDS.map((kind) => [kind, t(`kind.${kind}`)]), chosen, (kind) => {
    chosen = kind;
    for (const [name, group] of Object.entries(groups)) {
      group.hidden = name !== kind;
      for (const one of secrets[name]) one.input.disabled = name !== kind;
    }
  });
  for (const kind of KINDS.slice(1)) for (const one of secrets[kind]) one.input.disabled = true;
  const more = [text("email", { kind: "email" }), whole("priority", 0, { value: 0, hint: t("hint.priority") }), text("region", { hint: t("hint.region") }), text("authRegion"), text("apiRegion"), text("endpoint"), text("machineId"), ...routeFields()];
  const entry = form([], async () => {
    const secret = Object.fromEntries(secrets[chosen].map((one) => [one.name, valueOf(one)]));
    const rest = given(Object.fromEntries(more.map((one) => [one.name, valueOf(one)])));
    const answer = await ask("POST", "/credentials", { ...rest, ...secret, authMethod: chosen });
    dialog.close();
    tell(t("add.done", { name: answer.email ?? `#${answer.credentialId}` }));
    done(answer.credentialId);
  }, kinds.node, Object.values(groups), folded(t("more"), more));
  dialog.body.append(el("p", { class: "soft" }, t("add.about")), entry.node);
  dialog.foot.append(button(t("cancel"), dialog.close), sender(entry, t("add.act")));
}

/** Change an account; only what is another value than before is sent. `done` is called when it was changed. */
export function editAccount(account, done) {
  const unchanged = t("unchanged");
  const before = {
    email: account.email ?? "",
    priority: account.priority,
    concurrency: account.concurrency || null,
    authRegion: account.authRegion,
    apiRegion: account.apiRegion,
    endpoint: account.endpoint,
    machineId: "",
    proxyUrl: account.proxyUrl ?? "",
    proxyUsername: "",
    proxyPassword: "",
  };
  const dialog = openDialog(t("edit.title", { name: nameOf(account) }));
  const fields = [
    text("email", { kind: "email", value: before.email }),
    whole("priority", 0, { value: before.priority, hint: t("hint.priority") }),
    whole("concurrency", 1, { value: before.concurrency ?? "", hint: t("hint.concurrency"), placeholder: t("unlimited") }),
    text("apiRegion", { value: before.apiRegion }),
    text("authRegion", { value: before.authRegion }),
    text("endpoint", { value: before.endpoint }),
    text("machineId", { placeholder: unchanged }),
    ...routeFields({ proxyUrl: before.proxyUrl, unchanged }),
  ];
  const entry = form(fields, async (values) => {
    const changes = changed(before, values);
    if (Object.keys(changes).length) {
      await ask("PATCH", `/credentials/${account.id}`, changes);
      tell(t("edit.done", { name: nameOf(account) }));
    }
    dialog.close();
    done();
  });
  entry.node.classList.add("fields", "two");
  dialog.body.append(entry.node);
  dialog.foot.append(button(t("cancel"), dialog.close), sender(entry, t("save")));
}

/** What to send: values that differ; what was emptied is taken away, and with a proxy its user and password too. */
function changed(before, values) {
  const changes = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === before[name]) continue;
    if (value === "" || value === null) changes[name] = null;
    else changes[name] = value;
  }
  if (changes.proxyUrl === null) Object.assign(changes, { proxyUsername: null, proxyPassword: null });
  return changes;
}
