import type { AnyTool } from "../../tool/tool.ts";
import type { SagaServices } from "../saga-services.ts";
import { chargeDeposit } from "./charge-deposit.ts";
import { notifyGuest } from "./notify-guest.ts";
import { reserveTable } from "./reserve-table.ts";
import { searchRestaurants } from "./search-restaurants.ts";

/** The acts of the example saga, for agents that plan them by themselves. */
export const restaurantTools: readonly AnyTool<SagaServices>[] = [
  searchRestaurants,
  reserveTable,
  chargeDeposit,
  notifyGuest,
];
