// 3-semantics.md, case 33, on a server that is killed as well. See docs/internals/chaos.md.
import { describeServerChaos } from "./server-chaos.ts";
import { redisPrograms } from "./stores/redis.ts";

describeServerChaos("redis", redisPrograms, {
  file: "brokers/redis/scripts/finish.ts",
  anyEpoch: {
    from: 'if job and job.state == "running" and job.epoch == epoch then return job end',
    to: 'if job and job.state == "running" then return job end',
  },
  lastWins: {
    from: 'if job and job.state == "running" and job.epoch == epoch then return job end',
    to: "if job then return job end",
  },
});
