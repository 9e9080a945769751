// What runs now, as the tree it is: requests, their sessions, their attempts.

import { every } from "./clock.js";
import { el, keyed, say } from "./dom.js";
import { connected, feed, picture } from "./feed.js";
import { count } from "./format.js";
import { liveRequest } from "./live-request.js";
import { heading, nothing } from "./parts.js";
import { accountName, readRoll } from "./roll.js";
import { t } from "./words.js";

/** Seconds for which a request that is over keeps its place, so that nothing moves under a pointer. */
const LINGERS = 4;

/** The view. */
export function liveView(signal) {
  const note = el("p", { class: "soft", role: "status" });
  const list = el("ol", { class: "plain live", "aria-label": t("live.list") });
  const state = el("div", {});
  const shown = new Map();
  const empty = nothing(t("live.empty"), t("live.empty.text"), el("code", {}, `ANTHROPIC_BASE_URL=${location.origin}`));

  function take() {
    const now = Date.now() / 1000;
    for (const request of picture?.requests ?? []) shown.set(request.id, { request, ended: null });
    const running = new Set((picture?.requests ?? []).map((request) => request.id));
    for (const entry of shown.values()) if (!running.has(entry.request.id)) entry.ended ??= now;
    nameAccounts();
    draw();
  }
  /** Those that are over go after a while, but not while somebody points at the list or works in it. */
  function draw() {
    const busy = list.matches(":hover") || list.contains(document.activeElement);
    const now = Date.now() / 1000;
    for (const [id, entry] of shown) if (entry.ended !== null && !busy && now - entry.ended > LINGERS) shown.delete(id);
    keyed(list, [...shown.values()], (entry) => entry.request.id, liveRequest);
    state.replaceChildren(...(shown.size ? [] : [empty]));
    const running = picture?.requests.length ?? 0;
    const words = t("live.note", { n: running, running: count(running), waiting: count(picture?.waiting ?? 0), ready: count(picture?.available ?? 0) });
    say(note, connected ? words : t("live.off"));
  }
  feed.addEventListener("picture", take, { signal });
  feed.addEventListener("state", draw, { signal });
  every(1, draw, signal);
  readRoll().then(take, () => null);
  take();
  return el("div", { class: "view" }, heading(t("view.live"), note), state, list);
}

/** An account that nobody has told us of yet: ask once more. */
function nameAccounts() {
  const ids = (picture?.requests ?? []).flatMap((request) => request.session.attempts.map((attempt) => attempt.credential));
  const strange = ids.filter((id) => accountName(id) === `#${id}` && !asked.has(id));
  if (!strange.length) return;
  for (const id of strange) asked.add(id);
  readRoll().catch(() => null);
}

const asked = new Set();
