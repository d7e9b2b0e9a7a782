/**
 * Why a message was refused:
 *
 * - `invalid_envelope`: what Redis holds is not an envelope of kombu's
 * - `invalid_base64`, `invalid_encoding`: the bytes of the body cannot be had
 * - `unsupported_content`: pickle, YAML or another format that is not read at all
 * - `unsupported_compression`, `invalid_compression`, `too_large`: the body cannot be unpacked, or must not
 * - `invalid_json`, `too_deep`: the text is no JSON, or nested beyond what is read
 * - `invalid_headers`, `invalid_body`, `invalid_signature`: JSON, but not what Celery sends
 * - `invalid_result`, `invalid_event`, `invalid_control`: the same of results, events and remote control
 */
export type UndecodableReason =
  | "invalid_envelope"
  | "invalid_base64"
  | "invalid_encoding"
  | "unsupported_content"
  | "unsupported_compression"
  | "invalid_compression"
  | "too_large"
  | "invalid_json"
  | "too_deep"
  | "invalid_headers"
  | "invalid_body"
  | "invalid_signature"
  | "invalid_result"
  | "invalid_event"
  | "invalid_control";

/** What came is not what Celery sends, or is not read. The only error that decoding throws, whatever came. */
export class UndecodableMessage extends Error {
  /** Stable; the message is for people. */
  readonly reason: UndecodableReason;

  constructor(reason: UndecodableReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UndecodableMessage";
    this.reason = reason;
  }
}
