import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { Metrics } from '@vouch/platform';
import { AccessGuard } from './access/access.guard.js';
import { auditControllers } from './audit/audit.controller.js';
import { BillingController } from './billing/billing.controller.js';
import { ConsoleController } from './console/console.controller.js';
import { EnrolmentTokenController } from './console/enrolment-token.controller.js';
import { SessionController } from './console/session.controller.js';
import { AptController } from './device/apt.controller.js';
import { DeviceController } from './device/device.controller.js';
import { HealthController } from './http/health.controller.js';
import { ProblemFilter } from './http/problem.filter.js';
import { LabController } from './lab/lab.controller.js';
import { Services } from './services.js';

@Module({})
export class AppModule {
  static with(services: Services, metrics: Metrics): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        HealthController,
        SessionController,
        ConsoleController,
        EnrolmentTokenController,
        DeviceController,
        AptController,
        LabController,
        BillingController,
        ...auditControllers,
      ],
      providers: [
        { provide: Services, useValue: services },
        { provide: Metrics, useValue: metrics },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
