/** What the Bot API answers instead of a result, in its own words. */
export class Refusal extends Error {
  readonly code: number;
  readonly parameters: { readonly retry_after?: number; readonly migrate_to_chat_id?: number } | undefined;

  constructor(code: number, description: string, parameters?: Refusal['parameters']) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }
}

export const badRequest = (words: string, parameters?: Refusal['parameters']): Refusal =>
  new Refusal(400, `Bad Request: ${words}`, parameters);

export const forbidden = (words: string): Refusal => new Refusal(403, `Forbidden: ${words}`);

export const conflict = (words: string): Refusal => new Refusal(409, `Conflict: ${words}`);

export const tooManyRequests = (retryAfterSeconds: number): Refusal =>
  new Refusal(429, `Too Many Requests: retry after ${retryAfterSeconds}`, { retry_after: retryAfterSeconds });
