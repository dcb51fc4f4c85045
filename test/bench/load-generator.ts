import { encodeCursor } from '../../src/infra/views/listing.ts';
import { load } from './load.ts';
import { PEOPLE, REPOSITORIES } from './seed.ts';

/** In a process of its own, so that the measured service has an event loop to itself. Prints the load as JSON. */
const [url = '', token = '', connections = '1', forMs = '1000', kind = '', stored = '0', from = '0'] = process.argv.slice(2);

const post = () => ({
  method: 'POST',
  path: '/api/v1/tasks',
  body: JSON.stringify({ intent: `Change number ${Math.random()} of the benchmark.` }),
});

const [person] = PEOPLE;
const [repo] = REPOSITORIES;
/** What people ask the list for. */
const QUESTIONS = [
  '',
  '&status=FAILED',
  `&repo=${repo}`,
  `&requested_by=${person}`,
  `&repo=${repo}&status=FAILED`,
  `&requested_by=${person}&status=FAILED`,
  `&requested_by=${person}&repo=${repo}`,
];
const PAGE = 20;
/** So many of the oldest tasks hold a full page for each of the questions. */
const OLDEST = PAGE * PEOPLE.length * REPOSITORIES.length;
/** A prime: steps as long as this come to every place before they come to one again. */
const STEP = 7_919;
const places = Number(stored) - OLDEST;

let asked = Number(from);
/** The questions in turns, each from a place far from the one before: no page again until all were asked. */
const list = () => {
  const place = OLDEST + ((Math.floor(asked / QUESTIONS.length) * STEP) % places);
  const question = QUESTIONS[asked % QUESTIONS.length];
  asked += 1;
  return { method: 'GET', path: `/api/v1/tasks?limit=${PAGE}&cursor=${encodeCursor(place + 1)}${question}` };
};

/** Beside the pages that are asked for, 50 requests a second are filed. */
const FILED_EVERY_MS = 20;
const filing = kind === 'list while filing' ? load(url, token, 1, Number(forMs), post, FILED_EVERY_MS) : undefined;
const next = kind === 'post' ? post : list;
const { perSecond, latencies, failures } = await load(url, token, Number(connections), Number(forMs), next);
const filed = await filing;
const sorted = latencies.toSorted((a, b) => a - b);
console.log(
  JSON.stringify({
    perSecond,
    failures: failures + (filed?.failures ?? 0),
    p50: sorted[Math.floor(sorted.length / 2)],
    p99: sorted[Math.floor(sorted.length * 0.99)],
    filedPerSecond: filed?.perSecond ?? 0,
    asked,
    again: asked === 0 ? 0 : Math.max(0, asked - places * QUESTIONS.length) / asked,
  }),
);
