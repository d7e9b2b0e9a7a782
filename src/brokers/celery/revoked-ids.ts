/** So many are remembered, for so long, as by Celery's own workers (celery/worker/state.py). */
const maxIds = 50_000;
const keepMs = 10_800_000;

/** The tasks that a worker has heard to be revoked. */
export class RevokedIds {
  readonly #heardAt = new Map<string, number>();

  /** @returns those that were not known */
  add(ids: readonly string[], nowMs: number): readonly string[] {
    const news = ids.filter((id) => !this.#heardAt.has(id));
    for (const id of ids) {
      // The last heard of are last.
      this.#heardAt.delete(id);
      this.#heardAt.set(id, nowMs);
    }
    this.#forget(nowMs);
    return news;
  }

  all(nowMs: number): readonly string[] {
    this.#forget(nowMs);
    return [...this.#heardAt.keys()];
  }

  #forget(nowMs: number): void {
    for (const [id, heardAt] of this.#heardAt) {
      if (this.#heardAt.size <= maxIds && heardAt + keepMs > nowMs) return;
      this.#heardAt.delete(id);
    }
  }
}
