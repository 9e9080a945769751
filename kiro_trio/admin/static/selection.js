// Which accounts are chosen, by id.

/** A set that tells when it changes. */
export class Selection extends EventTarget {
  #ids = new Set();

  has = (id) => this.#ids.has(id);

  /** Choose or leave an account. */
  put = (id, on = true) => {
    if (on) this.#ids.add(id);
    else this.#ids.delete(id);
    this.#changed();
  };

  /** Choose exactly these. */
  set(ids) {
    this.#ids = new Set(ids);
    this.#changed();
  }

  /** Forget those that are not there any more. */
  keepOnly(ids) {
    const there = new Set(ids);
    const gone = [...this.#ids].filter((id) => !there.has(id));
    for (const id of gone) this.#ids.delete(id);
    if (gone.length) this.#changed();
  }

  get ids() {
    return [...this.#ids];
  }

  get size() {
    return this.#ids.size;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
