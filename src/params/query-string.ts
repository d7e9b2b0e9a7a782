import { tryDecodeURIComponent } from "hono/utils/url";

const equalsSign = 61;
const percentSign = 37;
const plusSign = 43;

/**
 * The last value of a name in a URL's query string: `""` when it stands there without one, `undefined` when it does
 * not. Hono's `req.query()` gives the first. Nothing is cut or decoded but what is compared or returned.
 */
export function lastQueryValue(url: string, name: string): string | undefined {
  // After "http://", which may hold neither.
  const hash = url.indexOf("#", 8);
  if (hash !== -1) url = url.slice(0, hash);
  const start = url.indexOf("?", 8);
  if (start === -1) return undefined;
  for (let end = url.length; end > start;) {
    const pair = Math.max(url.lastIndexOf("&", end - 1), start);
    const nameEnd = endOfName(url, pair + 1, end, name);
    if (nameEnd !== -1) return nameEnd === end ? "" : decode(url.slice(nameEnd + 1, end));
    end = pair;
  }
  return undefined;
}

/** Where the name of a pair ends if it is this name, else -1. */
function endOfName(url: string, from: number, end: number, name: string): number {
  const nameEnd = from + name.length;
  // Encoded, it would be as long or longer.
  if (nameEnd > end) return -1;
  const isSame = (nameEnd === end || url.charCodeAt(nameEnd) === equalsSign) && url.startsWith(name, from);
  return isSame && !isEncoded(name) ? nameEnd : endOfEncodedName(url, from, end, name);
}

function endOfEncodedName(url: string, from: number, end: number, name: string): number {
  let at = from;
  let hasSign = false;
  for (; at < end; at++) {
    const code = url.charCodeAt(at);
    if (code === equalsSign) break;
    if (code === percentSign || code === plusSign) hasSign = true;
  }
  return hasSign && decode(url.slice(from, at)) === name ? at : -1;
}

function isEncoded(text: string): boolean {
  return text.includes("%") || text.includes("+");
}

function decode(text: string): string {
  return tryDecodeURIComponent(text.includes("+") ? text.replaceAll("+", " ") : text);
}
