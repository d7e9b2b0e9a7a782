import { expect, it } from "vitest";
import { returnNodeName, takeNodeName } from "./node-name.ts";

it("names workers apart that share a process, a name and a server", () => {
  expect(takeNodeName("here/0", "images", "host")).toBe("images@host");
  expect(takeNodeName("here/0", "images", "host")).toBe("images-2@host");
  expect(takeNodeName("here/1", "images", "host")).toBe("images@host");
  returnNodeName("here/0", "images@host");
  expect(takeNodeName("here/0", "images", "host")).toBe("images@host");
  for (const name of ["images@host", "images-2@host"]) returnNodeName("here/0", name);
  returnNodeName("here/1", "images@host");
});
