import { RequestMethod, type Type } from '@nestjs/common';
import type { ZodType } from 'zod';
import { ACCESS_RULE, type AccessRule } from '../access/access.js';
import { DEPRECATION, type Deprecation } from '../deprecation/deprecated.js';
import { OPERATION, type OperationInfo } from './operation.js';

/** One route as its decorators declare it. */
export interface DeclaredRoute {
  readonly controller: string;
  readonly handler: string;
  readonly method: string;
  /** OpenAPI style: `/api/v1/devices/{id}`. */
  readonly path: string;
  readonly status: number;
  readonly access: AccessRule | undefined;
  readonly tags: readonly string[];
  readonly operation: OperationInfo;
  readonly deprecation: Deprecation | undefined;
  readonly body: ZodType | undefined;
  readonly query: ZodType | undefined;
  readonly params: Readonly<Record<string, ZodType | undefined>>;
  readonly streams: boolean;
}

/** Nest keeps what its decorators say under these names. */
const META = {
  path: 'path',
  method: 'method',
  status: '__httpCode__',
  args: '__routeArguments__',
  stream: '__sse__',
  tags: 'swagger/apiUseTags',
  summary: 'swagger/apiOperation',
} as const;
const ARGUMENT = { body: 3, query: 4, param: 5 } as const;

interface Argument {
  readonly data?: string;
  readonly schema?: ZodType;
}

/** All routes of some controllers, without starting them. */
export function declaredRoutes(controllers: readonly Type[]): DeclaredRoute[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype)
      .filter((name) => name !== 'constructor' && typeof prototype[name] === 'function')
      .filter((name) => Reflect.hasMetadata(META.path, prototype[name] as object))
      .map((name) => describeRoute(controller, name, prototype[name] as object));
  });
}

function describeRoute(controller: Type, name: string, handler: object): DeclaredRoute {
  const read = <T>(key: string, target: object): T | undefined => Reflect.getMetadata(key, target) as T | undefined;
  const either = <T>(key: string): T | undefined => read<T>(key, handler) ?? read<T>(key, controller);
  const method = RequestMethod[read<number>(META.method, handler) ?? 0] ?? 'GET';
  const args = Object.entries(
    (Reflect.getMetadata(META.args, controller, name) ?? {}) as Readonly<Record<string, Argument>>,
  ).map(([key, argument]) => ({ kind: Number(key.split(':')[0]), ...argument }));
  const whole = (kind: number): ZodType | undefined =>
    args.find((argument) => argument.kind === kind && argument.data === undefined)?.schema;
  const path = joined(read<string>(META.path, controller) ?? '', read<string>(META.path, handler) ?? '');
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, param = '']) => param);
  return {
    controller: controller.name,
    handler: name,
    method: method.toLowerCase(),
    path,
    status: read<number>(META.status, handler) ?? (method === 'POST' ? 201 : 200),
    access: either<AccessRule>(ACCESS_RULE),
    tags: either<string[]>(META.tags) ?? [],
    operation: read<OperationInfo>(OPERATION, handler) ?? {
      id: `${controller.name.replace(/Controller$/, '')}.${name}`,
      summary: read<{ summary?: string }>(META.summary, handler)?.summary ?? '',
    },
    deprecation: either<Deprecation>(DEPRECATION),
    body: whole(ARGUMENT.body),
    query: whole(ARGUMENT.query),
    params: Object.fromEntries(
      names.map((param) => [
        param,
        args.find(({ kind, data }) => kind === ARGUMENT.param && (data === param || (data === '*' && param === 'path')))
          ?.schema,
      ]),
    ),
    streams: read<boolean>(META.stream, handler) === true,
  };
}

const joined = (prefix: string, path: string): string =>
  `/${[prefix, path].join('/')}`
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1')
    .replace(/:(\w+)/g, '{$1}')
    .replace('*', '{path}');
