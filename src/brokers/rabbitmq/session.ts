import { once } from "node:events";
import type { Channel, ChannelModel, ConfirmChannel, Options } from "amqplib";
import { SilenceError, within } from "../pulled/within.ts";
import type { Amqp } from "./load-amqp.ts";
import type { AmqpServer } from "./options.ts";
import { toSayable } from "./sayable.ts";

/** So long the server may take for what it usually does in a few milliseconds. */
const answerMs = 1_200;
/** So long a connection may take to stand. */
const connectMs = 1_500;
/** What amqplib says of a message that the server has refused. */
const nacked = "message nacked";

/** A message as the server takes it. */
export interface Publication {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly options: Options.Publish;
  /** Whether it is refused where no queue takes it, and not dropped. @defaultValue true */
  readonly isMandatory?: boolean;
}

/** What the server did not take: the queue is gone, or refuses it for now. */
export class RefusedError extends Error {
  readonly publications: readonly Publication[];

  constructor(publications: readonly Publication[]) {
    super(`the queue of ${publications.length} of the messages is gone or does not take them`);
    this.publications = publications;
  }
}

/** The server takes nothing for now: its memory or disk is full. */
export class BlockedError extends Error {}

/** One connection while it stands: when it is lost, everything of it is, and the next is made anew. */
export class Session {
  readonly model: ChannelModel;
  /** What was declared through it or is being declared, so that it is done once. */
  readonly #declarations = new Map<string, Promise<void>>();
  readonly #declared = new Set<string>();
  readonly #publisher: ConfirmChannel;
  readonly #onEnd: () => void;
  readonly #returned = new Set<string>();
  #declarer: Promise<Channel> | undefined;
  #declaring: Promise<void> = Promise.resolve();
  #heardAtMs = 0;
  #lastId = 0;
  #blocked: string | undefined;
  #isOver = false;

  /** @param onEnd - called once when the connection is lost or closed */
  static async open(amqp: Amqp, server: AmqpServer, onEnd: () => void): Promise<Session> {
    const connecting = amqp.connect(server.url, {
      noDelay: true,
      timeout: connectMs,
      clientProperties: { connection_name: "afterword" },
    });
    // One that stands too late is of no use to anybody.
    let isLate = false;
    void connecting.then(
      (model) => {
        // Without a listener it would end the process; what follows is told by "close".
        model.on("error", () => {});
        if (isLate) cut(model);
      },
      () => {},
    );
    try {
      const model = await within(connecting, connectMs, "it did not answer");
      try {
        const publisher = await within(model.createConfirmChannel(), answerMs, "it did not answer");
        return new Session(model, publisher, onEnd);
      } catch (error) {
        cut(model);
        throw error;
      }
    } catch (error) {
      isLate = true;
      throw error;
    }
  }

  private constructor(model: ChannelModel, publisher: ConfirmChannel, onEnd: () => void) {
    this.model = model;
    this.#publisher = publisher;
    this.#onEnd = onEnd;
    model.on("blocked", (reason) => (this.#blocked = reason));
    model.on("unblocked", () => (this.#blocked = undefined));
    model.on("close", () => this.#end());
    // A channel is closed by the server when it was asked for something impossible, and with it all that is under way.
    publisher.on("error", () => {});
    publisher.on("close", () => this.cut());
    publisher.on("return", ({ properties }) => this.#returned.add(String(properties.messageId)));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** A server that does not answer can only be asked again through another connection. */
  cut(): void {
    if (this.#isOver) return;
    cut(this.model);
    // Nobody may use it until that has come through.
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
  }

  /** @throws {BlockedError} */
  assertUnblocked(): void {
    if (this.#blocked !== undefined) throw new BlockedError(this.#blocked);
  }

  /** Resolves when the server has all of them. Rejects with a {@link RefusedError}, a {@link BlockedError}, or when it is lost. */
  async publish(publications: readonly Publication[]): Promise<void> {
    this.assertUnblocked();
    const refused: Publication[] = [];
    await this.#unlessSilent(Promise.all(publications.map((publication) => this.#publishOne(publication, refused))));
    if (refused.length > 0) throw new RefusedError(refused);
  }

  /** However many messages wait for their confirms: a server that confirms others is not silent. */
  async #unlessSilent(confirmed: Promise<unknown>): Promise<void> {
    const startMs = performance.now();
    for (let leftMs = answerMs; ; leftMs = Math.max(startMs, this.#heardAtMs) + answerMs - performance.now()) {
      try {
        await within(confirmed, Math.max(1, leftMs), "it did not confirm");
        return;
      } catch (error) {
        if (!(error instanceof SilenceError)) throw error;
        if (performance.now() - Math.max(startMs, this.#heardAtMs) < answerMs) continue;
        // One that is blocked has said so, and others are told without being asked again.
        if (this.#blocked === undefined) this.cut();
        throw error;
      }
    }
  }

  #publishOne(publication: Publication, refused: Publication[]): Promise<void> {
    const { exchange, routingKey, body, options, isMandatory = true } = publication;
    const messageId = String(++this.#lastId);
    return new Promise((resolve, reject) => {
      this.#publisher.publish(
        exchange,
        routingKey,
        body,
        { ...toSayable(options), messageId, mandatory: isMandatory },
        (error: Error | null) => {
          this.#heardAtMs = performance.now();
          // It is returned before it is confirmed.
          const isRefused = this.#returned.delete(messageId) || error?.message === nacked;
          if (isRefused) refused.push(publication);
          else if (error) return reject(error);
          resolve();
        },
      );
    });
  }

  /**
   * Declares something once. What the server refuses closes a channel that nothing else depends on.
   *
   * @param maxMs - so long it may take in all; who asks does not wait longer than for anything else, nor does what comes after it
   */
  async declare(key: string, how: (channel: Channel) => Promise<void>, maxMs: number = answerMs): Promise<void> {
    if (this.#declared.has(key)) return;
    let declaring = this.#declarations.get(key);
    if (declaring === undefined) {
      const made = maxMs > answerMs ? this.#withOwnChannel(how) : this.#withDeclarer(how);
      declaring = within(made, maxMs, "it did not answer");
      this.#declarations.set(key, declaring);
      declaring.then(
        // Others may have been told meanwhile that it is gone.
        () => void (this.#declarations.get(key) === declaring && this.#declared.add(key)),
        (error: unknown) => {
          this.#declarations.delete(key);
          if (error instanceof SilenceError) this.cut();
        },
      );
    }
    await within(declaring, answerMs, "it did not answer");
  }

  /** Whether something was declared through it, or is being declared. */
  knows(key: string): boolean {
    return this.#declarations.has(key);
  }

  /** Something that was declared is gone: all of it is declared again when it is needed. */
  forgetDeclared(): void {
    this.#declarations.clear();
    this.#declared.clear();
  }

  /** Finds out whether the server still answers, with a question that changes nothing; if not, the connection is given up. */
  async probe(): Promise<void> {
    try {
      const answered = this.#withDeclarer(async (channel) => void (await channel.prefetch(0)));
      await within(answered, answerMs, "it did not answer");
    } catch (error) {
      if (error instanceof SilenceError) this.cut();
    }
  }

  /** One after the other: what the server refuses closes the channel, and must not take others with it. */
  #withDeclarer(how: (channel: Channel) => Promise<void>): Promise<void> {
    const declaring = this.#declaring.then(async () => {
      this.#declarer ??= this.#openDeclarer();
      await how(await this.#declarer);
    });
    this.#declaring = declaring.catch(() => {});
    return declaring;
  }

  async #withOwnChannel(how: (channel: Channel) => Promise<void>): Promise<void> {
    const channel = await this.model.createChannel();
    channel.on("error", () => {});
    await how(channel);
    await channel.close();
  }

  async #openDeclarer(): Promise<Channel> {
    const channel = await this.model.createChannel();
    channel.on("error", () => {});
    channel.on("close", () => (this.#declarer = undefined));
    return channel;
  }

  /** Closes it in good order, or at once when the server does not take part in that. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#publisher.removeAllListeners("close");
    const closed = once(this.model, "close");
    try {
      await within(Promise.all([this.model.close(), closed]), answerMs, "it did not close");
    } catch {
      this.cut();
    }
  }
}

function cut(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { readonly stream: { destroy(error?: Error): void } };
  stream.destroy(new Error("The connection was given up."));
}
