/** A name of a queue has up to 255 bytes, and goes through the delay ladder behind its letters. */
const maxNameBytes = 190;

/** Why RabbitMQ can have no queue of a name, whoever asks for it; `undefined` if it can. */
export function whyUnusable(name: string): string | undefined {
  // What stands for any word in a binding would bring it the delayed jobs of others; what begins so is the server's own.
  return name === "" || Buffer.byteLength(name) > maxNameBytes || /[*#]|^amq\./.test(name)
    ? `The queue ${name} has a name that RabbitMQ cannot use: it has up to ${maxNameBytes} bytes with the prefix, neither * nor #, and does not begin with "amq.".`
    : undefined;
}
