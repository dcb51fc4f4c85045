import type { IncomingMessage } from 'node:http';
import { partsOf } from './multipart.ts';
import type { Uploads } from './parameters.ts';
import { badRequest, Refusal } from './refusal.ts';

/** A call as it came: what was said in the address, in JSON or in a form, and the files of a form. */
export interface Body {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly uploads: Uploads;
}

const BODY_BYTES_MAX = 1024 * 1024;
const FORM_BYTES_MAX = 51 * 1024 * 1024;

const formOf = (bytes: Buffer, contentType: string): Body => {
  const parts = partsOf(bytes, contentType);
  const fields = parts.flatMap(({ name, filename, bytes: value }) =>
    filename === undefined ? [[name, value.toString('utf8')] as const] : [],
  );
  const uploads = new Map(
    parts.flatMap(({ name, filename, mime, bytes: content }) =>
      filename === undefined ? [] : [[name, { name: filename, mime, bytes: content }] as const],
    ),
  );
  // A file comes under the name of its parameter, or some parameter points at it.
  const pointed = fields.map(([, value]) => value).join('\n');
  const direct = [...uploads.keys()]
    .filter((name) => !pointed.includes(`attach://${name}`))
    .map((name) => [name, `attach://${name}`] as const);
  return { parameters: Object.fromEntries([...fields, ...direct]), uploads };
};

const jsonOf = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below.
  }
  throw badRequest("can't parse JSON object");
};

/** Reads the parameters of a call; throws `Refusal` for what cannot be read. */
export const readBody = async (request: IncomingMessage, url: URL): Promise<Body> => {
  const asked = Object.fromEntries(url.searchParams);
  const type = request.headers['content-type'] ?? '';
  const bytes = Buffer.concat(await request.toArray());
  const isForm = type.startsWith('multipart/form-data');
  if (bytes.length > (isForm ? FORM_BYTES_MAX : BODY_BYTES_MAX)) throw new Refusal(413, 'Request Entity Too Large');
  if (isForm) {
    const { parameters, uploads } = formOf(bytes, type);
    return { parameters: { ...asked, ...parameters }, uploads };
  }
  const text = bytes.toString('utf8');
  const said = type.startsWith('application/json') && text !== '' ? jsonOf(text) : Object.fromEntries(new URLSearchParams(text));
  return { parameters: { ...asked, ...said }, uploads: new Map() };
};
