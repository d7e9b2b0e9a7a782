import * as fc from "fast-check";
import { expect, it } from "vitest";
import { Deadlines, type Timed } from "./deadlines.ts";

interface Member extends Timed {
  readonly at: number;
}

it("gives what is due first, and lets others be taken out", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom("add", "delete", "take"), fc.nat(100)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (list) => {
      const deadlines = new Deadlines<Member>();
      const model: Member[] = [];
      for (const [step, value] of list) {
        if (step === "add") {
          const member = { at: value, deadlineIndex: -1 };
          model.push(member);
          deadlines.add(member, value);
        } else if (step === "delete") {
          const [member] = model.splice(value % Math.max(1, model.length), 1);
          if (member) deadlines.delete(member);
        } else {
          const member = deadlines.takeDue(value);
          const earliest = Math.min(Infinity, ...model.map(({ at }) => at));
          expect(member?.at).toBe(earliest <= value ? earliest : undefined);
          if (member) model.splice(model.indexOf(member), 1);
        }
        expect(deadlines.size).toBe(model.length);
        expect(deadlines.firstAt).toBe(Math.min(Infinity, ...model.map(({ at }) => at)));
      }
    }),
  );
});

it("does not mind to let go what is not there", () => {
  const deadlines = new Deadlines<Member>();
  deadlines.delete({ at: 1, deadlineIndex: -1 });
  expect(deadlines.firstAt).toBe(Infinity);
});
