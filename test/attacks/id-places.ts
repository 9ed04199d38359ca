import { operationsOf, type OpenApi, type Operation, type Schema } from './openapi.js';

/** Where an operation takes an id: a path parameter, a query parameter or a field of the body. */
export interface IdPlace {
  readonly operation: Operation;
  readonly in: 'path' | 'query' | 'body';
  /** Of the parameter, or of the field with the fields above it, joined by dots. */
  readonly name: string;
  /** `METHOD /path name`. */
  readonly key: string;
}

const looksLikeId = (name: string, schema: Schema): boolean =>
  schema.format === 'uuid' || /\[0-9a-f\]\{64\}/.test(schema.pattern ?? '') || /(^id|Ids?)$/.test(name);

/** Every place of the document where an id goes in. Ids are known by format, by pattern or by name. */
export function idPlaces(document: OpenApi): IdPlace[] {
  return operationsOf(document).flatMap((operation) => {
    const source = document.paths[operation.path]?.[operation.method.toLowerCase()];
    const place = (where: IdPlace['in'], name: string): IdPlace => ({
      operation,
      in: where,
      name,
      key: `${operation.method} ${operation.path} ${name.split('.').at(-1)}`,
    });
    const parameters = (source?.parameters ?? []).flatMap((parameter) => {
      const where = parameter.in;
      if (where !== 'path' && where !== 'query') return [];
      return looksLikeId(parameter.name, resolved(parameter.schema, document)) ? [place(where, parameter.name)] : [];
    });
    const body = fieldsOf(source?.requestBody?.content?.['application/json']?.schema, document, '', 0);
    return [...parameters, ...body.map((name) => place('body', name))];
  });
}

function fieldsOf(given: Schema | undefined, document: OpenApi, prefix: string, depth: number): string[] {
  if (depth > 6) return [];
  const schema = resolved(given, document);
  const inside = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap((choice) =>
    fieldsOf(choice, document, prefix, depth + 1),
  );
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const shape = resolved(field, document);
    if (looksLikeId(name, shape) || looksLikeId(name, resolved(shape.items, document))) return [path];
    return fieldsOf(shape, document, path, depth + 1);
  });
  return [...new Set([...inside, ...own])];
}

function resolved(schema: Schema | undefined, document: OpenApi): Schema {
  const name = schema?.$ref?.split('/').at(-1);
  return name === undefined ? (schema ?? {}) : (document.components?.schemas?.[name] ?? {});
}
