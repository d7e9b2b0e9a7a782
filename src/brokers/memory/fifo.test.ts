import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Fifo } from "./fifo.ts";

it("gives back in order what was added, whatever comes in between", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -400, max: 600 }), { maxLength: 30 }), (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      let next = 0;
      for (const step of steps) {
        for (let count = 0; count < step; count++) {
          fifo.push(next);
          model.push(next++);
        }
        for (let count = 0; count > step; count--) expect(fifo.shift()).toBe(model.shift());
        expect(fifo.size).toBe(model.length);
        expect(fifo.first).toBe(model[0]);
        expect(fifo.last).toBe(model.at(-1));
      }
      expect([...fifo]).toEqual(model);
    }),
  );
});
