// Accounts in by the dozen: dropped, chosen or pasted; first tried without changing anything, row by row.

import { ask, get } from "./api.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";
import { field, valueOf } from "./form.js";
import { button, chip, trouble } from "./parts.js";
import { t } from "./words.js";

const TONES = { added: "ok", replaced: "ok", would_add: "ok", would_replace: "accent", skipped: "off", refused: "bad", failed: "bad" };
const LARGEST = 2_000_000;

/** What takes dropped files while the dialog is open. */
let taking = null;

/** Let files be dropped onto a view; `act` is given them, or the dialog that is open already. */
export function acceptDrops(view, act, signal) {
  const veil = el("div", { class: "veil", hidden: true, "aria-hidden": "true" }, el("p", {}, t("import.drop")));
  view.append(veil);
  let depth = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const over = (change) => (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = Math.max(0, depth + change);
    veil.hidden = depth === 0;
  };
  addEventListener("dragenter", over(1), { signal });
  addEventListener("dragleave", over(-1), { signal });
  addEventListener("dragover", over(0), { signal });
  addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    over(-depth)(event);
    (taking ?? act)([...event.dataTransfer.files]);
  }, { signal });
}

/** Ask what to import, show what would become of it, and do it. `done` is called when something was imported. */
export function importAccounts(files, done) {
  let happened = false;
  const dialog = openDialog(t("import.title"), { wide: true, closed: () => {
    taking = null;
    if (happened) done();
  } });
  const sources = [];
  const area = field({ name: "text", label: t("import.paste"), kind: "area", hint: t("import.hint") });
  const picker = el("input", { type: "file", multiple: true, accept: ".json,.txt,application/json,text/plain", class: "unseen", "aria-label": t("import.choose"), tabindex: "-1" });
  const replace = field({ name: "replace", label: t("import.replace"), kind: "check", hint: t("import.replace.hint") });
  const verify = field({ name: "verify", label: t("import.verify"), kind: "check", checked: true, hint: t("import.verify.hint") });
  const stores = el("div", { class: "stores" });
  const list = el("ul", { class: "plain files", "aria-label": t("import.files") });
  const result = el("div", { class: "results", "aria-live": "polite" });
  const trial = button(t("import.try"), () => run(true));
  const deed = button(t("import.act"), () => run(false), { kind: "primary", disabled: true });

  async function take(chosen) {
    for (const file of chosen) {
      if (file.size > LARGEST) result.replaceChildren(trouble(new Error(t("import.large", { name: file.name })), () => result.replaceChildren()));
      else sources.push({ name: file.name, body: { text: await file.text() } });
    }
    listSources();
    if (sources.length) await run(true);
  }
  function listSources() {
    list.replaceChildren(...sources.map((source, place) => el("li", {}, el("span", {}, source.name), button(t("import.leave"), () => { sources.splice(place, 1); listSources(); deed.disabled = true; }, { kind: "quiet" }))));
  }
  function everything() {
    const pasted = valueOf(area);
    const paths = [...stores.querySelectorAll("input:checked")].map((box) => box.value);
    return [...sources, ...(pasted ? [{ name: t("import.pasted"), body: { text: pasted } }] : []), ...(paths.length ? [{ name: t("import.stores"), body: { stores: paths } }] : [])];
  }
  async function run(dryRun) {
    const what = everything();
    if (!what.length) return result.replaceChildren(el("p", { class: "problem" }, t("import.nothing")));
    result.replaceChildren(el("p", { class: "soft" }, t("import.running")));
    const parts = [];
    let possible = 0;
    for (const { name, body } of what) {
      try {
        const answer = await ask("POST", "/credentials/import", { ...body, dryRun, replace: valueOf(replace), verify: valueOf(verify) });
        possible += (answer.counts.would_add ?? 0) + (answer.counts.would_replace ?? 0);
        happened ||= (answer.counts.added ?? 0) + (answer.counts.replaced ?? 0) > 0;
        parts.push(outcome(name, answer));
      } catch (error) {
        parts.push(el("section", {}, el("h3", {}, name), el("p", { class: "problem" }, error.message)));
      }
    }
    result.replaceChildren(...parts);
    deed.disabled = !dryRun || possible === 0;
    deed.lastChild.textContent = dryRun && possible ? t("import.some", { n: possible }) : t("import.act");
  }
  picker.addEventListener("change", () => take([...picker.files]));
  for (const one of [area, replace]) one.input.addEventListener("input", () => (deed.disabled = true));
  dialog.body.append(
    el("div", { class: "dropzone" }, el("p", {}, t("import.about")), picker, button(t("import.choose"), () => picker.click(), { sign: "drop" })),
    list,
    area.node,
    el("div", { class: "fields two" }, replace.node, verify.node),
    stores,
    result,
  );
  dialog.foot.append(button(t("close"), dialog.close), trial, deed);
  taking = take;
  listStores(stores);
  take(files);
}

/** Files of other programs on the gateway's machine, if there are some. */
async function listStores(node) {
  try {
    const { stores } = await get("/credentials/stores");
    if (!stores.length) return;
    node.append(el("h3", {}, t("import.stores")), el("p", { class: "soft" }, t("import.stores.text")));
    for (const store of stores) {
      const about = store.problem || t("import.store", { n: store.accounts, source: store.source ?? "?" });
      node.append(el("label", { class: "check" }, el("input", { type: "checkbox", value: store.path, disabled: Boolean(store.problem) || !store.accounts }), el("span", {}, el("code", {}, store.path), " ", el("span", { class: "soft" }, about))));
    }
  } catch {
    // only an offer; the rest works without it
  }
}

/** What became of each account of one source. */
function outcome(name, answer) {
  const counts = Object.entries(answer.counts).filter(([, n]) => n).map(([status, n]) => chip(`${n} ${t(`import.${status}`)}`, TONES[status]));
  const rows = answer.results.map((row) => el("tr", { data: { status: row.status } }, el("td", {}, row.row), el("td", {}, row.email ?? row.place), el("td", {}, chip(t(`import.${row.status}`), TONES[row.status])), el("td", { class: "soft" }, row.message)));
  return el(
    "section",
    {},
    el("div", { class: "row" }, el("h3", {}, name), counts),
    answer.dryRun ? el("p", { class: "soft" }, t("import.dry")) : null,
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, el("table", {}, el("thead", {}, el("tr", {}, ["row", "account", "result", "message"].map((column) => el("th", { scope: "col" }, t(`import.col.${column}`))))), el("tbody", {}, rows))),
  );
}
