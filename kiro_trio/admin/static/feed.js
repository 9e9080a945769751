// The feed of what runs. It is open while the page is looked at, and comes back by itself.

import { get } from "./api.js";

const AGAIN = 5000;

/** Tells `picture` with every picture and `state` when the feed comes or goes. */
export const feed = new EventTarget();

let source = null;
let timer = 0;
let wanted = false;

/** The last picture, and whether it is up to date. */
export let picture = null;
export let connected = false;

/** Watch from now on. */
export function beginWatching() {
  wanted = true;
  connect();
}

/** Watch no more. */
export function endWatching() {
  wanted = false;
  picture = null;
  disconnect();
}

function connect() {
  clearTimeout(timer);
  if (!wanted || source || document.hidden) return;
  source = new EventSource("/api/admin/live/events");
  source.addEventListener("live", (event) => {
    picture = JSON.parse(event.data);
    become(true);
    feed.dispatchEvent(new Event("picture"));
  });
  source.addEventListener("error", () => {
    become(false);
    if (source?.readyState === EventSource.CLOSED) lost();
  });
}

/** The browser does not come back after a refusal: ask plainly, which also notices that the session is over. */
function lost() {
  disconnect();
  get("/live").catch(() => null);
  timer = setTimeout(connect, AGAIN);
}

function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
  become(false);
}

function become(value) {
  if (connected === value) return;
  connected = value;
  feed.dispatchEvent(new Event("state"));
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
