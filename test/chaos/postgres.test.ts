// 3-semantics.md, case 33, on a server that is killed as well. See docs/internals/chaos.md.
import { describeServerChaos } from "./server-chaos.ts";
import { postgresPrograms } from "./stores/postgres.ts";

describeServerChaos("postgres", postgresPrograms, {
  file: "brokers/postgres/finish.ts",
  anyEpoch: {
    from: "AND j.id = given.id AND ${isActive} AND j.retry_count = given.epoch\n       AND j.singleton_key",
    to: "AND j.id = given.id AND ${isActive}\n       AND j.singleton_key",
  },
  lastWins: {
    from: "AND j.id = given.id AND ${isActive} AND j.retry_count = given.epoch\n       AND j.singleton_key",
    to: "AND j.id = given.id AND j.state >= 'active'\n       AND j.singleton_key",
  },
});
