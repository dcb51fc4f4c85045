import { z } from 'zod';

const Content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const Operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.unknown()).optional(),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content.optional() })),
});
const Document = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()), securitySchemes: z.record(z.string(), z.unknown()) }),
});

interface Checked {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

export interface Contract {
  readonly document: z.infer<typeof Document>;
  /** What was answered at least once, as `operationId status`. */
  readonly seen: ReadonlySet<string>;
  /** Throws unless the document says that this call can be answered so. Calls it does not know are held to the rules of refusals only. */
  check(method: string, path: string, answer: Checked): void;
}

/** The document's own page of the call at a path; concrete names match `{parameters}`. */
const operationAt = ({ paths }: z.infer<typeof Document>, method: string, path: string) => {
  const bare = path.split('?')[0] ?? '';
  const found = Object.entries(paths)
    .filter(([template]) => new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare))
    .sort(([a], [b]) => a.split('{').length - b.split('{').length)[0];
  return found?.[1][method.toLowerCase()];
};

const schemaOf = (document: z.infer<typeof Document>, schema: object): z.ZodType => {
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')));
};

/** Reads `/openapi.json` of a running service, to hold its answers against. */
export const readContract = async (url: string): Promise<Contract> => {
  const document = Document.parse(await (await fetch(`${url}/openapi.json`)).json());
  const seen = new Set<string>();
  const schemas = new Map<string, z.ZodType>();

  return {
    document,
    seen,
    check: (method, path, { status, text, headers }) => {
      const type = (headers.get('content-type') ?? '').split(';')[0] ?? '';
      if (status >= 500 && status !== 503) throw new Error(`${method} ${path}: ${status} ${text}`);
      const operation = operationAt(document, method === 'HEAD' ? 'GET' : method, path);
      if (!operation) {
        if (status < 400 || type !== 'application/problem+json')
          throw new Error(`${method} ${path} is not in the document: ${status}`);
        return;
      }
      const content = operation.responses[status]?.content?.[type];
      const name = `${operation.operationId} ${status}`;
      if (!content) throw new Error(`${name} as ${type} is not in the document`);
      seen.add(name);
      if (!/[/+]json$/.test(type) || method === 'HEAD') return;
      const schema = schemas.get(name) ?? schemaOf(document, content.schema);
      schemas.set(name, schema);
      const parsed = schema.safeParse(JSON.parse(text));
      if (!parsed.success) throw new Error(`${name}: ${z.prettifyError(parsed.error)}\n${text.slice(0, 500)}`);
    },
  };
};
