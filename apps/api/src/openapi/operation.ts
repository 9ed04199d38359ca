import { SetMetadata } from '@nestjs/common';
import type { ZodType } from 'zod';

/** What an operation answers when all went well. Its example is the schema's own. */
export interface Answer {
  readonly schema?: ZodType;
  readonly description?: string;
  /** Media type; JSON when left out. */
  readonly type?: string;
  readonly example?: unknown;
}

export interface OperationInfo {
  /** Stable name: the generated clients' method. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly answer?: Answer;
  /** Further answers that are no problems, by status. */
  readonly more?: Readonly<Record<number, Answer>>;
  /** Statuses of problems beyond those that follow from access rule, parameters and method. */
  readonly problems?: readonly number[];
  /** Media type of a request body that is not JSON. */
  readonly takes?: string;
  /** Changes a thing that has a version: needs If-Match. */
  readonly conditional?: boolean;
}

export const OPERATION = 'vouch:operation';
/** Describes a route for the OpenAPI document. What it takes is read from its validated parameters. */
export const Operation = (info: OperationInfo): MethodDecorator => SetMetadata(OPERATION, info);
