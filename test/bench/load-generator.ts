import { load } from './load.ts';

/** In a process of its own, so that the measured service has an event loop to itself. Prints the load as JSON. */
const [url = '', token = '', connections = '1', forMs = '1000', kind = ''] = process.argv.slice(2);
const calls = {
  post: () => ({
    method: 'POST',
    path: '/api/v1/tasks',
    body: JSON.stringify({ intent: `Change number ${Math.random()} of the benchmark.` }),
  }),
  list: () => ({ method: 'GET', path: '/api/v1/tasks?limit=20' }),
};
const next = kind === 'post' ? calls.post : calls.list;
const { perSecond, latencies, failures } = await load(url, token, Number(connections), Number(forMs), next);
const sorted = latencies.toSorted((a, b) => a - b);
console.log(
  JSON.stringify({
    perSecond,
    failures,
    p50: sorted[Math.floor(sorted.length / 2)],
    p99: sorted[Math.floor(sorted.length * 0.99)],
  }),
);
