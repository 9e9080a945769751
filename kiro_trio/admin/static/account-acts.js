// What the owner does to accounts, one or many at once.

import { ask, get } from "./api.js";
import { confirm, openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { credits } from "./format.js";
import { report, tell } from "./notices.js";
import { button } from "./parts.js";
import { nameOf } from "./standings.js";
import { t } from "./words.js";

const AT_ONCE = 4;

/** What can be done to an account without a question, by name. */
const DEEDS = {
  enable: (id) => ask("POST", `/credentials/${id}/disabled`, { disabled: false }),
  disable: (id) => ask("POST", `/credentials/${id}/disabled`, { disabled: true }),
  reset: (id) => ask("POST", `/credentials/${id}/reset`),
  renew: (id) => ask("POST", `/credentials/${id}/refresh`),
  balance: (id) => get(`/credentials/${id}/balance`, { fresh: true }),
  remove: async (id, account) => {
    if (!account.disabled) await ask("POST", `/credentials/${id}/disabled`, { disabled: true });
    await ask("DELETE", `/credentials/${id}`);
  },
};

/** The names of the deeds, in the order in which many accounts are offered them. */
export const BULK = ["enable", "disable", "reset", "renew", "balance", "remove"];

/** Do one thing to one account, and say what became of it. */
export function act(deed, account) {
  const name = nameOf(account);
  return report(
    () => DEEDS[deed](account.id, account),
    (answer) => (deed === "balance" ? t("done.balance", { name, rest: credits(answer.remaining) }) : t(`done.${deed}`, { name })),
  );
}

/** Remove an account, if that is really meant; returns whether it is gone. */
export async function remove(account) {
  const name = nameOf(account);
  const sure = await confirm(t("remove.title"), t("remove.text", { name, id: account.id }), t("account.remove"));
  return sure && act("remove", account);
}

/** Do one thing to many accounts, a few at a time; what did not work is listed. */
export async function actOnMany(deed, accounts) {
  if (deed === "remove" && !(await confirm(t("remove.title"), t("remove.many", { n: accounts.length }), t("account.remove")))) return;
  const failed = [];
  const queue = [...accounts];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let account = queue.shift(); account; account = queue.shift()) {
      try {
        await DEEDS[deed](account.id, account);
      } catch (error) {
        failed.push([account, error.message]);
      }
    }
  }));
  tell(t("bulk.done", { good: accounts.length - failed.length, n: accounts.length, deed: t(`account.${deed}`) }));
  if (failed.length) listFailures(failed);
}

function listFailures(failed) {
  const dialog = openDialog(t("bulk.failed", { n: failed.length }));
  dialog.body.append(el("ul", { class: "plain" }, failed.map(([account, message]) => el("li", {}, el("b", {}, nameOf(account)), el("p", { class: "soft" }, message)))));
  dialog.foot.append(button(t("close"), dialog.close, { kind: "primary" }));
}
