import { LamportClock } from "../../../celery/clock.ts";
import { encodeControlRequest } from "../../../celery/control.ts";
import { decodeTaskMessage } from "../../../celery/decode-message.ts";
import type { TaskMessage } from "../../../celery/message.ts";
import type { ChangeListener, WorkerInfo } from "../../../tasks/broker.ts";
import { Changes } from "../../pulled/changes.ts";
import { returnNodeName, takeNodeName } from "../node-name.ts";
import { encodeRevoked } from "../task-outcome.ts";
import { RevokedIds } from "../revoked-ids.ts";
import type { Transport } from "../transport.ts";
import { Node, type RunningTask } from "./node.ts";

/** So many ids are noted down with one call. */
const maxNoted = 1_000;
/** So many tasks that wait for their time are shown. */
const maxScheduled = 100;

/** How the workers of a broker appear among Celery's. */
export interface NodesConfig {
  /** In front of the host. */
  readonly name: string;
  readonly defaultQueue: string;
}

/** The workers of a store as nodes of Celery. */
export class Nodes {
  readonly #transport: Transport;
  readonly #config: NodesConfig;
  readonly #running: (worker: string) => readonly RunningTask[];
  readonly #clock = new LamportClock();
  readonly #revoked = new RevokedIds();
  readonly #changes = new Changes();
  readonly #nodes = new Map<string, Node>();

  /** @param running - what a worker runs now */
  constructor(transport: Transport, config: NodesConfig, running: (worker: string) => readonly RunningTask[]) {
    this.#transport = transport;
    this.#config = config;
    this.#running = running;
  }

  get(worker: string): Node | undefined {
    return this.#nodes.get(worker);
  }

  /** A worker gives a sign of life; its first makes it a node. */
  seen(worker: WorkerInfo): void {
    if (this.#nodes.has(worker.id)) return;
    const { mailbox } = this.#transport;
    const name = takeNodeName(this.#place, this.#config.name, worker.host);
    const node = new Node({
      name,
      worker,
      defaultQueue: this.#config.defaultQueue,
      mailbox,
      clock: this.#clock,
      running: () => this.#running(worker.id),
      scheduled: (queues) => this.#scheduled(queues),
      revoked: () => this.#revoked.all(Date.now()),
      revoke: (ids, terminate) => this.#revoke(ids, terminate),
      onQueues: () => this.#changes.addAll(),
    });
    this.#nodes.set(worker.id, node);
    mailbox.listen(name, node);
  }

  async leave(worker: string): Promise<void> {
    const node = this.#nodes.get(worker);
    if (node === undefined) return;
    this.#nodes.delete(worker);
    const { name } = node.parts;
    // Both are sent now, in this order: it says goodbye before it stops to listen.
    await Promise.all([node.events.stop(), this.#transport.mailbox.leave(name)]);
    returnNodeName(this.#place, name);
  }

  /** Tells the other workers that these are not to run, or to be stopped. */
  async tellRevoked(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#transport.mailbox.broadcast(
      encodeControlRequest({
        method: "revoke",
        arguments: { task_id: ids, terminate: true, signal: "SIGTERM" },
        clock: this.#clock.forward(),
      }),
    );
  }

  subscribe(listener: ChangeListener): () => void {
    return this.#changes.subscribe(listener);
  }

  async #revoke(ids: readonly string[], terminate: boolean): Promise<void> {
    const news = this.#revoked.add(ids, Date.now());
    // What is known to be revoked may yet be running.
    const noted = terminate ? ids : news;
    for (let start = 0; start < noted.length; start += maxNoted)
      await this.#noteRevoked(noted.slice(start, start + maxNoted), terminate);
  }

  #noteRevoked(ids: readonly string[], terminate: boolean): Promise<void> {
    const reason = terminate ? "terminated" : "revoked";
    const nowMs = Date.now();
    const results = ids.map((id) => encodeRevoked(id, reason, nowMs));
    return this.#transport.noteRevoked(ids, results, reason, terminate);
  }

  async #scheduled(queues: readonly string[]): Promise<readonly TaskMessage[]> {
    const contents = await this.#transport.delayed(queues, maxScheduled);
    return contents.flatMap((content) => {
      try {
        return [decodeTaskMessage(content)];
      } catch {
        // Whoever is handed it will say what is wrong with it.
        return [];
      }
    });
  }

  get #place(): string {
    const { hostname, port, virtualHost } = this.#transport.mailbox.place;
    return `${hostname}:${port}/${virtualHost}`;
  }
}
