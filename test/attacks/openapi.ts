/** The parts of an OpenAPI 3.1 document that an attacker reads. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly default?: unknown;
  readonly $ref?: string;
}
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly schema?: Schema;
  readonly example?: unknown;
}
interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value?: unknown }>>;
}
interface OperationObject {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, Media>> };
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: Parameter['in']; readonly value: string }[];
  /** A body that the schema allows, as far as a schema can say; undefined when the operation takes none. */
  readonly body: unknown;
}

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);

/** Every operation with values that fit its schemas. */
export function operationsOf(document: OpenApi): Operation[] {
  const sample = (schema: Schema | undefined): unknown => sampleOf(schema ?? {}, document, 0);
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => METHODS.has(method))
      .map(([method, operation]) => {
        const media = operation.requestBody?.content?.['application/json'];
        const named = Object.values(media?.examples ?? {})[0]?.value;
        return {
          method: method.toUpperCase(),
          path,
          parameters: (operation.parameters ?? []).map((parameter) => ({
            name: parameter.name,
            in: parameter.in,
            value: String(parameter.example ?? sample(parameter.schema)),
          })),
          body: media === undefined ? undefined : (media.example ?? named ?? sample(media.schema)),
        };
      }),
  );
}

const BY_FORMAT: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-4000-8000-000000000000',
  email: 'somebody@example.org',
  'date-time': '2026-01-10T12:00:00.000Z',
  date: '2026-01-10',
  uri: 'https://example.org/',
};

function sampleOf(schema: Schema, document: OpenApi, depth: number): unknown {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return depth > 8 ? null : sampleOf(document.components?.schemas?.[name] ?? {}, document, depth + 1);
  }
  const given = schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.enum?.[0] ?? schema.default;
  if (given !== undefined) return given;
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0] ?? schema.allOf?.[0];
  if (choice !== undefined) return sampleOf(choice, document, depth + 1);
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  if (type === 'object') {
    const fields = Object.entries(schema.properties ?? {});
    return Object.fromEntries(fields.map(([name, field]) => [name, sampleOf(field, document, depth + 1)]));
  }
  if (type === 'array') return schema.items && depth < 8 ? [sampleOf(schema.items, document, depth + 1)] : [];
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return BY_FORMAT[schema.format ?? ''] ?? 'a'.repeat(Math.max(schema.minLength ?? 1, hexLength(schema.pattern)));
}

/** Digests are described by a pattern such as `^[0-9a-f]{64}$`. */
const hexLength = (pattern = ''): number => Number(/\{(\d+)\}\$?$/.exec(pattern)?.[1] ?? 1);
