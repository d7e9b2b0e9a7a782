/** A route of a made-up API, in the syntax that all frameworks here share. */
export interface TableRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Without the prefix; empty for the prefix itself. */
  readonly path: string;
  /** Whether it is one of those that are asked: a validated path parameter and a background task. */
  readonly isAsked?: true;
}

/** Routes under a prefix. */
export interface TablePart {
  readonly prefix: string;
  readonly routes: readonly TableRoute[];
}

/** Static ones, with one parameter and with two. No two of a method could match the same request. */
const distinct: readonly TableRoute[] = [
  { method: "GET", path: "" },
  { method: "POST", path: "" },
  { method: "POST", path: "/search" },
  { method: "GET", path: "/:id" },
  { method: "PUT", path: "/:id" },
  { method: "DELETE", path: "/:id" },
  { method: "GET", path: "/:id/items" },
  { method: "GET", path: "/:id/items/:itemId" },
  { method: "PATCH", path: "/:id/items/:itemId" },
  { method: "POST", path: "/send-notification/:email", isAsked: true },
];

/** As `/users/me` stands before `/users/:id`. */
const overlapping: readonly TableRoute[] = distinct.map((route) =>
  route.path === "/search" ? { method: "GET", path: "/search" } : route,
);

/** A table of so many routes, ten of them under each prefix. */
export function routeTable(count: number, isOverlapping: boolean): readonly TablePart[] {
  return Array.from({ length: count / 10 }, (_, index) => ({
    prefix: prefixOf(index),
    routes: isOverlapping ? overlapping : distinct,
  }));
}

/** Where in the table the asked route lies. */
export type Position = "beginning" | "middle" | "end" | "nowhere";

export function pathAt(position: Position, count: number): string {
  const parts = count / 10;
  const index = { beginning: 0, middle: parts >> 1, end: parts - 1, nowhere: parts >> 1 }[position];
  return `${prefixOf(index)}/${position === "nowhere" ? "foo/things/that/are/not/there" : "send-notification/foo@example.com"}`;
}

function prefixOf(index: number): string {
  return `/api/v1/resource-${index}`;
}
