export { apiKey, type ApiKeyOptions } from "./api-key.ts";
export { basic, type BasicCredentials, type BasicOptions } from "./basic.ts";
export { bearer, type BearerOptions } from "./bearer.ts";
export { constantTimeEqual } from "./constant-time-equal.ts";
export { oauth2Password, type OAuth2PasswordOptions, type OAuth2PasswordParameter } from "./oauth2-password.ts";
export type { SecurityOptions } from "./security-options.ts";
export type { SecurityParameter } from "./security-parameter.ts";
