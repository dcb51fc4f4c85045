/** Longest line that is kept whole, in characters, beyond any that the service writes; the rest of a longer one is dropped. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

/** Lines of UTF-8 text that comes in pieces, without their ends; a last line without an end counts. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (parts.pop() ?? '').slice(0, LINE_CHARACTERS_MAX);
    yield* parts;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  /** `null`: this one does not resume the stream. */
  readonly id: string | null;
}

/** Events of a `text/event-stream`, as far as they are whole. */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let event = 'message';
  let id: string | null = null;
  let data: string[] = [];
  for await (const line of linesOf(chunks)) {
    const text = line.replace(/\r$/, '');
    if (text === '') {
      if (data.length > 0) yield { event, id, data: data.join('\n') };
      [event, id, data] = ['message', null, []];
      continue;
    }
    const colon = text.indexOf(':');
    const [name, value] = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1).replace(/^ /, '')];
    if (name === 'event') event = value;
    if (name === 'data') data.push(value);
    if (name === 'id') id = value;
  }
}
