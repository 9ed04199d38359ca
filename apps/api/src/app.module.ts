import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { Metrics } from '@vouch/platform';
import { AccessGuard } from './access/access.guard.js';
import { auditControllers } from './audit/audit.controller.js';
import { BillingController } from './billing/billing.controller.js';
import { ConsoleController } from './console/console.controller.js';
import { EnrolmentTokenController } from './console/enrolment-token.controller.js';
import { AptController } from './device/apt.controller.js';
import { DeviceController } from './device/device.controller.js';
import { HealthController } from './http/health.controller.js';
import { RouteMethods } from './http/method-not-allowed.js';
import { ProblemFilter } from './http/problem.filter.js';
import { LabController } from './lab/lab.controller.js';
import { LabDeskController } from './lab/lab-desk.controller.js';
import { ProfilesController } from './lab/profiles.controller.js';
import { DeprecationInterceptor } from './deprecation/deprecated.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { peopleControllers } from './people/controllers.js';
import { restControllers } from './rest/controllers.js';
import { Services } from './services.js';

@Module({})
export class AppModule {
  static with(services: Services, metrics: Metrics, methods: RouteMethods): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        HealthController,
        ConsoleController,
        EnrolmentTokenController,
        DeviceController,
        AptController,
        LabController,
        LabDeskController,
        ProfilesController,
        BillingController,
        ...auditControllers,
        ...peopleControllers,
        ...restControllers,
      ],
      providers: [
        { provide: Services, useValue: services },
        { provide: Metrics, useValue: metrics },
        { provide: RouteMethods, useValue: methods },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: DeprecationInterceptor },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
