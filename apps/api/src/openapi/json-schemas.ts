import { z, type ZodType } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** Named schemas become components of the document, each once; what differs for requests has a name of its own. */
export class JsonSchemas {
  readonly components: Record<string, JsonSchema> = {};

  /** @param io `input`: what a request may hold; `output`: what an answer holds */
  of(schema: ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
    const defs = Object.entries($defs as Record<string, JsonSchema>);
    const renamed = new Map<string, string>();
    for (const [name, definition] of defs) renamed.set(name, this.nameFor(name, definition, io));
    const relink = (text: JsonSchema): JsonSchema =>
      JSON.parse(
        JSON.stringify(text).replace(
          /"#\/\$defs\/([^"]+)"/g,
          (_match, name: string) => `"#/components/schemas/${renamed.get(name) ?? name}"`,
        ),
      ) as JsonSchema;
    for (const [name, definition] of defs) {
      const { id: _id, ...rest } = relink(definition);
      this.components[renamed.get(name) ?? name] = rest;
    }
    return relink(root);
  }

  private nameFor(name: string, definition: JsonSchema, io: 'input' | 'output'): string {
    if (io === 'output') return name;
    const { additionalProperties: _, ...plain } = definition;
    const known = this.components[name];
    if (known === undefined || definition['additionalProperties'] === false) return name;
    const { additionalProperties: _known, ...plainKnown } = known;
    return JSON.stringify(plain).length === JSON.stringify(plainKnown).length ? name : `${name}Request`;
  }
}

/** The first example that a schema gives of itself. */
export function exampleOf(schema: ZodType): unknown {
  return (z.globalRegistry.get(schema)?.examples as readonly unknown[] | undefined)?.[0];
}
