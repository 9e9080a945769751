// What happens by itself while a view is open: a tick a second, and questions asked again. Nothing while nobody looks.

/** Call `act` every `seconds` while the page is visible, until `signal` aborts. */
export function every(seconds, act, signal) {
  const timer = setInterval(() => document.hidden || act(), seconds * 1000);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/**
 * Ask now, again `seconds()` after each answer, and when the page is looked at again. Returns a function that asks at
 * once and resolves when that is done; questions never overlap.
 */
export function poll(question, seconds, signal) {
  let timer = 0;
  let running = null;
  async function again() {
    clearTimeout(timer);
    await (running ??= question().finally(() => (running = null)));
    if (!signal.aborted) timer = setTimeout(() => (document.hidden ? null : again()), seconds() * 1000);
  }
  document.addEventListener("visibilitychange", () => document.hidden || again(), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  again();
  return async () => {
    if (running) await running;
    await again();
  };
}
