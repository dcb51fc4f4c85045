import { badRequest } from './refusal.ts';

export interface Part {
  readonly name: string;
  /** `undefined` for a plain field. */
  readonly filename: string | undefined;
  readonly mime: string;
  readonly bytes: Buffer;
}

const HEADERS_END = Buffer.from('\r\n\r\n');

/** A parameter of a header, quoted or up to the next semicolon: grammY does not quote the names of files, whatever is in them. */
const parameter = (header: string, name: string): string | undefined => {
  const [, quoted, plain] = new RegExp(`;\\s*${name}=(?:"((?:\\\\.|[^"\\\\])*)"|([^;]*))`, 'i').exec(header) ?? [];
  return quoted?.replaceAll(/\\(.)/g, '$1') ?? plain?.trim();
};

const partOf = (bytes: Buffer): Part => {
  const end = bytes.indexOf(HEADERS_END);
  const headers = bytes.subarray(0, Math.max(end, 0)).toString('utf8').split('\r\n');
  const of = (name: string): string => headers.find((header) => header.toLowerCase().startsWith(`${name}:`)) ?? '';
  const disposition = of('content-disposition');
  const name = parameter(disposition, 'name');
  if (end < 0 || name === undefined) throw badRequest('expected form-data content disposition');
  return {
    name,
    filename: parameter(disposition, 'filename'),
    mime: of('content-type').slice('content-type:'.length).trim() || 'application/octet-stream',
    bytes: bytes.subarray(end + HEADERS_END.length),
  };
};

/** The parts of a multipart body in order; throws `Refusal` when it is broken. */
export const partsOf = (body: Buffer, contentType: string): readonly Part[] => {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const delimiter = Buffer.from(`\r\n--${boundary?.[1] ?? boundary?.[2] ?? ''}`);
  // The first delimiter stands at the beginning of the body, without the line end of the others.
  const whole = Buffer.concat([Buffer.from('\r\n'), body]);
  const parts: Part[] = [];
  let at = whole.indexOf(delimiter);
  if (boundary === null || at !== 0) throw badRequest('boundary not found');
  for (;;) {
    const start = at + delimiter.length;
    if (whole.subarray(start, start + 2).toString('latin1') === '--') return parts;
    at = whole.indexOf(delimiter, start);
    if (at < 0) throw badRequest('boundary not found');
    parts.push(partOf(whole.subarray(start + 2, at)));
  }
};
