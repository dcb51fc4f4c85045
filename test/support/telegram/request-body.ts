import type { IncomingMessage } from 'node:http';
import busboy from 'busboy';
import type { Uploads } from './parameters.ts';
import { badRequest, Refusal } from './refusal.ts';

/** A call as it came: what was said in the address, in JSON or in a form, and the files of a form. */
export interface Body {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly uploads: Uploads;
}

const JSON_BYTES_MAX = 1024 * 1024;
const FILE_BYTES_MAX = 50 * 1024 * 1024;

const formOf = (request: IncomingMessage): Promise<Body> =>
  new Promise((resolve, reject) => {
    const parameters: Record<string, unknown> = {};
    const uploads = new Map<string, { name: string; mime: string; bytes: Buffer }>();
    const form = busboy({ headers: request.headers, limits: { fileSize: FILE_BYTES_MAX + 1 }, defParamCharset: 'utf8' });
    form.on('field', (name, value) => {
      parameters[name] = value;
    });
    form.on('file', (name, stream, { filename, mimeType }) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('limit', () => reject(new Refusal(413, 'Request Entity Too Large')));
      stream.on('end', () => {
        uploads.set(name, { name: filename || name, mime: mimeType, bytes: Buffer.concat(chunks) });
        // A file may come under the name of its parameter, or be pointed at from there.
        if (!(name in parameters)) files.add(name);
      });
    });
    const files = new Set<string>();
    form.on('error', reject);
    form.on('close', () => {
      const pointed = JSON.stringify(Object.values(parameters));
      const direct = [...files].filter((name) => !pointed.includes(`attach://${name}`));
      resolve({
        parameters: { ...parameters, ...Object.fromEntries(direct.map((name) => [name, `attach://${name}`])) },
        uploads,
      });
    });
    request.pipe(form);
  });

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
  if (type.startsWith('multipart/form-data')) {
    const { parameters, uploads } = await formOf(request);
    return { parameters: { ...asked, ...parameters }, uploads };
  }
  const bytes = Buffer.concat(await request.toArray());
  if (bytes.length > JSON_BYTES_MAX) throw new Refusal(413, 'Request Entity Too Large');
  const text = bytes.toString('utf8');
  const said = type.startsWith('application/json') && text !== '' ? jsonOf(text) : Object.fromEntries(new URLSearchParams(text));
  return { parameters: { ...asked, ...said }, uploads: new Map() };
};
