// Signing in to a new account: which provider, then a code or an address, then what became of it.

import { routeFields } from "./account-forms.js";
import { ask, get } from "./api.js";
import { poll } from "./clock.js";
import { openDialog } from "./dialog.js";
import { el, keyed, mark, say } from "./dom.js";
import { field, folded, form, given, sender, valueOf } from "./form.js";
import { button, choices } from "./parts.js";
import { followSignIn, RUNNING } from "./sign-in-steps.js";
import { t, word } from "./words.js";

const PROVIDERS = ["builder-id", "idc", "google", "github"];

/** Ask how to sign in, and see it through. `done`: an account was stored; `closed`: the dialog is shut. */
export function signIn(done, closed) {
  const dialog = openDialog(t("signin.title"), { closed });
  let provider = "builder-id";
  const cards = choices(t("signin.provider"), PROVIDERS.map((name) => [name, t(`provider.${name}`)]), provider, (name) => { provider = name; show(); });
  cards.node.classList.add("providers");
  const startUrl = field({ name: "startUrl", label: t("signin.startUrl"), kind: "url", required: true, placeholder: "https://example.awsapps.com/start" });
  const region = field({ name: "region", label: t("field.region"), placeholder: "us-east-1", hint: t("signin.region") });
  const browser = field({ name: "browser", label: t("signin.browser"), kind: "check", hint: t("signin.browser.hint") });
  const more = [field({ name: "priority", label: t("field.priority"), kind: "number", min: 0, step: 1, hint: t("hint.priority") }), ...routeFields()];
  const about = el("p", { class: "soft" });
  const entry = form([startUrl, region, browser], async (values) => {
    const rest = Object.fromEntries(more.map((one) => [one.name, valueOf(one)]));
    const begun = await ask("POST", "/sign-ins", given({ provider, ...rest, ...values, browser: values.browser || null }));
    followSignIn(dialog, begun, done);
  }, folded(t("more"), more));
  function show() {
    const aws = provider === "builder-id" || provider === "idc";
    startUrl.node.hidden = startUrl.input.disabled = provider !== "idc";
    region.node.hidden = provider !== "idc";
    browser.node.hidden = !aws;
    region.input.required = provider === "idc" && browser.input.checked;
    say(about, t(`signin.about.${aws ? "aws" : "social"}`));
  }
  browser.input.addEventListener("change", show);
  show();
  dialog.body.append(cards.node, about, entry.node);
  dialog.foot.append(button(t("cancel"), dialog.close), sender(entry, t("signin.begin")));
}

/** Sign-ins that nobody has seen the end of, for those who closed the dialog or the page. */
export function signInNotice(done, signal) {
  const list = el("div", { class: "waiting" });
  let told = new Set();
  const look = async () => {
    try {
      const { signIns } = await get("/sign-ins");
      keyed(list, signIns.filter((one) => one.state !== "cancelled"), (one) => one.id, () => row(done, () => refresh()));
      const ended = new Set(signIns.filter((one) => one.state === "done").map((one) => one.id));
      if ([...ended].some((id) => !told.has(id))) done();
      told = ended;
    } catch {
      keyed(list, [], () => "", () => null);
    }
  };
  const refresh = poll(look, () => 10, signal);
  return { node: list, refresh };
}

function row(done, refresh) {
  let current = null;
  const words = el("span", {});
  const go = button(t("signin.continue"), () => {
    const dialog = openDialog(t("signin.title"), { closed: refresh });
    followSignIn(dialog, current, done);
  });
  const stop = button("", async () => {
    await ask("DELETE", `/sign-ins/${current.id}`).catch(() => null);
    await refresh();
  }, { kind: "quiet" });
  const node = el("div", {}, words, el("div", { class: "row" }, go, stop));
  return {
    node,
    update(one) {
      current = one;
      const running = RUNNING.includes(one.state);
      const tone = running ? "" : one.state === "done" ? "ok" : "warn";
      mark(node, "class", `banner row between ${tone}`);
      go.hidden = !running;
      say(stop.lastChild, t(running ? "signin.stop" : "dismiss"));
      const provider = word("provider", one.provider);
      say(words, running ? t("signin.waits", { provider }) : `${provider}: ${t(`signin.${one.state}`)}. ${one.message}`);
    },
  };
}
