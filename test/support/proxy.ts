import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A way to a server that can be blocked: it goes silent, or refuses. */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #farSockets = new Set<Socket>();
  readonly #target: { readonly host: string; readonly port: number };
  #isSilent = false;
  #isRefusing = false;
  #isMute = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections stand, and nothing comes through. */
  silence(): void {
    this.#isSilent = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What is asked gets through, and no answer comes back. */
  silenceAnswers(): void {
    this.#isMute = true;
    for (const socket of this.#farSockets) socket.pause();
  }

  /** Connections are cut, and new ones too. */
  refuse(): void {
    this.#isRefusing = true;
    this.cut();
  }

  /** Connections are cut once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  restore(): void {
    this.#isSilent = false;
    this.#isRefusing = false;
    this.#isMute = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #accept(near: Socket): void {
    if (this.#isRefusing) {
      near.destroy();
      return;
    }
    const far = connect(this.#target);
    this.#farSockets.add(far);
    far.on("close", () => this.#farSockets.delete(far));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (data) => to.write(data));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isSilent || (this.#isMute && from === far)) from.pause();
    }
  }
}
