// Where the page begins: the session, the frame around the views, and which view is shown.

import { accountsView } from "./accounts.js";
import { logOut, resume, session } from "./api.js";
import { controls } from "./controls.js";
import { closeDialogs } from "./dialog.js";
import { el, mark, say } from "./dom.js";
import { beginWatching, connected, endWatching, feed, picture } from "./feed.js";
import { icon } from "./icons.js";
import { keysView } from "./keys.js";
import { liveView } from "./live.js";
import { loginView } from "./login.js";
import { placeNotices } from "./notices.js";
import { signButton, trouble } from "./parts.js";
import { requestsView } from "./requests.js";
import { settingsView } from "./settings.js";
import { showTheme } from "./theme.js";
import { usageView } from "./usage.js";
import { beginSpeaking, spoken, t } from "./words.js";

const VIEWS = {
  accounts: accountsView,
  live: liveView,
  usage: usageView,
  requests: requestsView,
  keys: keysView,
  settings: settingsView,
};

let inside = false;
let leaving = new AbortController();
let links = {};
let main = null;

async function begin() {
  beginSpeaking();
  showTheme();
  placeNotices();
  try {
    await (await resume() ? enter() : showLogin());
  } catch (error) {
    root().replaceChildren(el("main", { class: "login" }, trouble(error, () => location.reload())));
  }
}

function root() {
  return document.getElementById("page");
}

function enter() {
  inside = true;
  beginWatching();
  frame();
  show();
}

function showLogin(why = "") {
  inside = false;
  leave();
  endWatching();
  closeDialogs();
  document.title = `kiro-trio · ${t("login.title")}`;
  root().replaceChildren(loginView(enter, why));
}

/** The frame: the views' names, the gateway's state at a glance, the controls. */
function frame() {
  links = Object.fromEntries(
    Object.keys(VIEWS).map((name) => [name, el("a", { href: `#${name}` }, icon(name), el("span", {}, t(`view.${name}`)))]),
  );
  main = el("main", { id: "main" });
  const skip = el("a", { class: "skip", href: "#main", on: { click: toContent } }, t("skip"));
  const exit = signButton("out", t("logout"), async () => {
    await logOut().catch(() => null);
    showLogin();
  });
  root().replaceChildren(
    skip,
    el(
      "div",
      { class: "frame" },
      el(
        "header",
        { class: "side" },
        el("div", { class: "brand" }, el("img", { src: "/admin/icon.svg", alt: "", width: "24", height: "24" }), el("span", {}, "kiro-trio")),
        glance(),
        el("nav", { "aria-label": t("nav") }, Object.values(links)),
        el("div", { class: "row controls" }, controls(), exit),
      ),
      main,
    ),
  );
}

function toContent(event) {
  event.preventDefault();
  main.querySelector("h1")?.focus();
}

/** How many accounts are ready and how many requests run, from the feed. */
function glance() {
  const dot = el("span", { class: "dot" });
  const words = el("span", {});
  const node = el("p", { class: "glance" }, dot, words);
  function look() {
    mark(dot, "class", `dot ${connected ? (picture?.available ? "ok" : "bad") : "off"}`);
    say(words, connected && picture ? t("glance", { ready: picture.available, running: picture.requests.length }) : t("glance.off"));
  }
  look();
  for (const event of ["picture", "state"]) feed.addEventListener(event, () => node.isConnected && look());
  return node;
}

function leave() {
  leaving.abort();
  leaving = new AbortController();
}

function show() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const view = name in VIEWS ? name : "accounts";
  leave();
  for (const [other, link] of Object.entries(links)) mark(link, "aria-current", other === view ? "page" : null);
  document.title = `kiro-trio · ${t(`view.${view}`)}`;
  main.replaceChildren(VIEWS[view](leaving.signal, rest.join("/")));
}

addEventListener("hashchange", () => {
  if (!inside) return;
  show();
  scrollTo(0, 0);
  main.querySelector("h1")?.focus({ preventScroll: true });
});

spoken.addEventListener("language", () => {
  const focused = document.activeElement?.className;
  if (inside) {
    frame();
    show();
  } else showLogin();
  if (focused) document.getElementsByClassName(focused)[0]?.focus();
});

session.addEventListener("ended", () => inside && showLogin(t("login.ended")));

begin();
