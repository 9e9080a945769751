// Accounts out, with their secrets: only when it is confirmed and the key was shown once more.

import { ask } from "./api.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { download } from "./download.js";
import { field, form, sender } from "./form.js";
import { tell } from "./notices.js";
import { button } from "./parts.js";
import { t } from "./words.js";

/** Export these accounts, or all if there are none among them. */
export function exportAccounts(accounts) {
  const dialog = openDialog(t("export.title"));
  const key = field({ name: "adminApiKey", label: t("login.key"), kind: "password", required: true, autocomplete: "current-password" });
  const sure = field({ name: "confirm", label: t("export.sure"), kind: "check", required: true });
  const entry = form([key, sure], async (values) => {
    const wanted = accounts.length ? { ids: accounts.map((account) => account.id) } : {};
    const answer = await ask("POST", "/credentials/export", { ...values, ...wanted });
    download(`kiro-accounts-${new Date().toISOString().slice(0, 10)}.json`, JSON.stringify(answer, null, 2));
    dialog.close();
    tell(t("export.done", { n: answer.accounts.length }));
  });
  const which = accounts.length ? t("export.some", { n: accounts.length }) : t("export.all");
  dialog.body.append(el("p", {}, which), el("p", { class: "soft" }, t("export.about")), entry.node);
  dialog.foot.append(button(t("cancel"), dialog.close), sender(entry, t("export.act"), "danger"));
}
