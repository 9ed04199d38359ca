import { ApiKeysController } from './api-keys.controller.js';
import { ApprovalsController } from './approvals.controller.js';
import { CostsController } from './costs.controller.js';
import { FleetController } from './fleet.controller.js';
import { OrdersController } from './orders.controller.js';
import { PatchesController } from './patches.controller.js';
import { WebhooksController } from './webhooks.controller.js';

/** The REST resources. */
export const restControllers = [
  FleetController,
  PatchesController,
  ApprovalsController,
  OrdersController,
  CostsController,
  ApiKeysController,
  WebhooksController,
];
