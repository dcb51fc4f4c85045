import { BATCH_RECORDS_MAX, type OkayDokkiBatch } from './history.ts';

/** Most bytes of a batch as JSON, but for a single record: the service takes no larger body. */
const BATCH_BYTES_MAX = 200 * 1024;

export type Item = { readonly tasks: OkayDokkiBatch['tasks'][number] } | { readonly audit: OkayDokkiBatch['audit'][number] };

const batchOf = (items: readonly Item[]): OkayDokkiBatch => ({
  source: 'okaydokki',
  tasks: items.flatMap((item) => ('tasks' in item ? [item.tasks] : [])),
  audit: items.flatMap((item) => ('audit' in item ? [item.audit] : [])),
});

/** Records as bodies of calls, in their order. */
export async function* batchesOf(items: AsyncIterable<Item>): AsyncGenerator<OkayDokkiBatch> {
  let some: Item[] = [];
  let bytes = 0;
  for await (const item of items) {
    const more = Buffer.byteLength(JSON.stringify(item));
    if (some.length === BATCH_RECORDS_MAX || (some.length > 0 && bytes + more > BATCH_BYTES_MAX)) {
      yield batchOf(some);
      some = [];
      bytes = 0;
    }
    some.push(item);
    bytes += more;
  }
  if (some.length > 0) yield batchOf(some);
}
