import { type RouteConfig, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Caller, Variables } from './authentication.ts';
import type { Api, Bindings } from './context.ts';
import { BadCall, faultInWords, Problem } from './problem.ts';

type Parameters = z.ZodObject;
type Parsed<Schema> = Schema extends z.ZodType ? z.infer<Schema> : undefined;

/** One call of the API. From it come the router's entry, the checks of what is sent, and the page of /openapi.json. */
interface Route<Path, Query, Body> {
  readonly method: 'get' | 'post' | 'delete';
  /** `{name}` is one part of the path, `{name+}` the rest of it. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly parameters?: Path;
  readonly query?: Query;
  /** JSON that must be there. */
  readonly body?: Body;
  /** Described only: each is parsed by whoever reads it. */
  readonly headers?: Parameters;
  readonly answers: RouteConfig['responses'];
  /** Needs no token. */
  readonly open?: true;
}

export interface Call<Path, Query, Body> {
  readonly parameters: Parsed<Path>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  readonly caller: Caller;
  /** Undefined when it was not sent. */
  header(name: string): string | undefined;
  readonly signal: AbortSignal;
  /** Ends the connection in the middle of the answer: whoever reads it no longer does. */
  cutOff(): void;
}

export const answers = (schema: z.ZodType, description = 'The answer.') => ({
  description,
  content: { 'application/json': { schema } },
});

export const answersText = (type: string, description: string) => ({ description, content: { [type]: { schema: z.string() } } });

const refusal = (description: string) => ({ description, content: { 'application/problem+json': { schema: Problem } } });

/** What every call can be refused with; `error_code` tells the cases apart. */
const REFUSALS = {
  400: refusal('The request is not of the expected form.'),
  401: refusal('There is no valid token.'),
  403: refusal('The caller may not do this here.'),
  404: refusal('There is no such thing, or the caller may not read it.'),
  429: refusal('Too much at once; "Retry-After" says when to come back.'),
  500: refusal('A fault of the service itself.'),
  503: refusal('Not now; the same request may be sent again.'),
};

/** And what changes something, besides. */
const REFUSALS_OF_CHANGES = {
  ...REFUSALS,
  409: refusal('It does not fit the state of things.'),
  413: refusal('The body is too large.'),
  415: refusal('The body is not JSON as it is.'),
  422: refusal('The idempotency key was used for another request.'),
};

/** What was sent more than once comes as a list, which no parameter is. */
const queryOf = (context: Context): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );

const jsonOf = async (context: Context): Promise<unknown> => {
  try {
    return await context.req.json();
  } catch {
    throw new BadCall(400, 'VALIDATION_ERROR', 'The body is not valid JSON. Send an object.');
  }
};

const IN_WORDS = { error: faultInWords };

/** Adds a call to the router and to the document. Throws a `ZodError` for what is not of the expected form. */
export const addRoute = <
  Path extends Parameters | undefined = undefined,
  Query extends Parameters | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  api: Api,
  route: Route<Path, Query, Body>,
  handle: (call: Call<Path, Query, Body>) => Response | Promise<Response>,
): void => {
  const { method, path, name, summary, parameters, query, body, headers, open } = route;
  api.openAPIRegistry.registerPath({
    method,
    path: path.replaceAll('+}', '}'),
    operationId: name,
    summary,
    request: {
      ...(parameters && { params: parameters }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    ...(open && { security: [] }),
    responses: { ...(!open && (method === 'get' ? REFUSALS : REFUSALS_OF_CHANGES)), ...route.answers },
  });

  const pattern = path.replaceAll(/\{(\w+)(\+?)\}/g, (_, parameter, rest) => `:${parameter}${rest === '' ? '' : '{.+}'}`);
  api.on(method, pattern, async (context: Context<{ Variables: Variables; Bindings: Bindings }>) =>
    handle({
      parameters: parameters?.parse(context.req.param(), IN_WORDS) as Parsed<Path>, // What is absent parses to undefined.
      query: query?.parse(queryOf(context), IN_WORDS) as Parsed<Query>,
      body: body?.parse(await jsonOf(context), IN_WORDS) as Parsed<Body>,
      caller: context.get('caller'),
      header: (wanted) => context.req.header(wanted),
      get signal() {
        return context.req.raw.signal;
      },
      cutOff: () => context.env.cutOff?.(),
    }),
  );
};

export const JSON_TYPE = 'application/json; charset=UTF-8';

/** JSON that was written already, most of it by a view. The tests hold it against the schemas. */
export const rendered = (text: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(text, { status, headers: { 'content-type': JSON_TYPE, ...headers } });

export const json = (value: unknown, status = 200): Response => rendered(JSON.stringify(value), status);
