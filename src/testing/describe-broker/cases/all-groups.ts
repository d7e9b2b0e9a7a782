import type { CaseGroup } from "../broker-case.ts";
import { cancelCases } from "./cancel.ts";
import { changesCases } from "./changes.ts";
import { consumeCases } from "./consume.ts";
import { delayAndExpiryCases } from "./delay-and-expiry.ts";
import { deliveryCases } from "./deliveries.ts";
import { dependencyCases } from "./dependencies.ts";
import { dependencyFailureCases } from "./dependency-failures.ts";
import { enqueueCases } from "./enqueue.ts";
import { inspectionCases } from "./inspection.ts";
import { leaseCases } from "./lease.ts";
import { lifecycleCases } from "./lifecycle.ts";
import { limitsCases } from "./limits.ts";
import { lostWorkerCases } from "./lost-workers.ts";
import { pauseCases } from "./pause.ts";
import { orderCases } from "./priority-and-order.ts";
import { progressCases } from "./progress.ts";
import { removalCases } from "./removal.ts";
import { retryCases } from "./retry.ts";
import { scheduleCases } from "./schedules.ts";
import { shutdownCases } from "./shutdown.ts";
import { transactionCases } from "./transaction.ts";
import { troubleCases } from "./trouble.ts";
import { uniqueCases } from "./unique.ts";

/** Every case, from what all else rests on to what rests on it. */
export const allGroups: readonly CaseGroup[] = [
  lifecycleCases,
  enqueueCases,
  consumeCases,
  orderCases,
  delayAndExpiryCases,
  retryCases,
  cancelCases,
  uniqueCases,
  limitsCases,
  dependencyCases,
  dependencyFailureCases,
  scheduleCases,
  inspectionCases,
  removalCases,
  pauseCases,
  progressCases,
  shutdownCases,
  leaseCases,
  lostWorkerCases,
  deliveryCases,
  transactionCases,
  changesCases,
  troubleCases,
];
