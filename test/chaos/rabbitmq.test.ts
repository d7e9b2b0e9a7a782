// 3-semantics.md, case 33, on a server of messages that is killed as well. See docs/internals/chaos.md.
import { rabbitmqPrograms } from "../support/rabbitmq-node.ts";
import { describeServerChaos } from "./server-chaos.ts";

// Endings are guarded by the store of the results: that the checks notice a broken guard is shown on SQLite.
describeServerChaos("rabbitmq", rabbitmqPrograms);
