import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { z } from 'zod';

/** What is under way at the end may be answered for so long, in milliseconds. */
const ANSWER_MS_MAX = 15_000;
const TURN_MS = 1;

/** What came of requests that were sent whether or not those before were answered. */
const Flood = z.object({
  /** Requests whose time came; and those of them for which the sender had a socket left. */
  due: z.number(),
  sent: z.number(),
  /** By status; `hasty`: neither taken nor told when to come back. */
  answers: z.record(z.string(), z.number()),
  /** Connections that ended before their answer, and that were not answered at all. */
  hungUp: z.number(),
  unanswered: z.number(),
  /** Ids of the tasks that were taken. */
  taken: z.array(z.string()),
});
export type Flood = z.infer<typeof Flood>;

export interface FloodOptions {
  readonly perSecond: number;
  readonly forMs: number;
  /** Most sockets of the sender: a request for which none is left is not sent. */
  readonly socketsMax: number;
}

/** The first whole answer; `undefined` while it has not come. This service always says how long a body is. */
const answerIn = (text: string) => {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [head, body] = [text.slice(0, headEnd), text.slice(headEnd + 4)];
  if (body.length < Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])) return undefined;
  const status = head.slice('HTTP/1.1 '.length, 'HTTP/1.1 '.length + 3);
  return { kind: status === '201' || /\r\nretry-after: [1-9]/i.test(head) ? status : `hasty ${status}`, body };
};

/** An open loop: each request goes out when its time has come, on a socket that waits for nothing or on a new one. Loopback only, and no HTTP client, which needs as much of the machine as the service. */
const pour = async (url: string, token: string, { perSecond, forMs, socketsMax }: FloodOptions): Promise<Flood> => {
  const { host, hostname, port } = new URL(url);
  const head = `POST /api/v1/tasks HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json`;
  const open = new Set<Socket>();
  const idle: Socket[] = [];
  /** What was heard so far, of sockets that wait for an answer. */
  const waiting = new Map<Socket, string>();
  const answers: Record<string, number> = {};
  const taken: string[] = [];
  let [due, sent, hungUp] = [0, 0, 0];

  const send = (socket: Socket): void => {
    sent++;
    waiting.set(socket, '');
    const body = JSON.stringify({ intent: `Change number ${sent} of the flood.` });
    socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
  const heard = (socket: Socket, bytes: string): void => {
    const text = (waiting.get(socket) ?? '') + bytes;
    const answer = answerIn(text);
    if (!answer) return void waiting.set(socket, text);
    waiting.delete(socket);
    answers[answer.kind] = (answers[answer.kind] ?? 0) + 1;
    if (answer.kind === '201') taken.push(/"taskId":"([^"]+)"/.exec(answer.body)?.[1] ?? '');
    idle.push(socket);
  };
  const opened = (): Socket => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    open.add(socket);
    socket.setEncoding('latin1').on('data', (bytes: string) => heard(socket, bytes));
    socket.on('error', () => {}); // Its end follows.
    socket.on('close', () => {
      open.delete(socket);
      if (waiting.delete(socket)) hungUp++;
    });
    return socket;
  };
  const next = (): void => {
    const free = idle.findLast((socket) => open.has(socket));
    idle.length = free ? idle.lastIndexOf(free) : 0;
    if (free) send(free);
    else if (open.size < socketsMax) send(opened());
  };

  const begun = performance.now();
  for (let passed = 0; passed < forMs; passed = performance.now() - begun) {
    for (const now = Math.floor((passed * perSecond) / 1_000); due < now; due++) next();
    await pause(TURN_MS);
  }
  for (const ended = performance.now(); waiting.size > 0 && performance.now() - ended < ANSWER_MS_MAX; ) await pause(TURN_MS);
  const unanswered = waiting.size;
  waiting.clear();
  for (const socket of open) socket.destroy();
  return { due, sent, answers, hungUp, unanswered, taken };
};

/** Pours requests over the service of a data folder, from a process of their own. */
export const flood = async (dataFolder: string, options: FloodOptions): Promise<Flood> => {
  const service = await readFile(join(dataFolder, 'service.json'), 'utf8');
  const { stdout } = await execa(process.execPath, [import.meta.filename, service, JSON.stringify(options)]);
  return Flood.parse(JSON.parse(stdout));
};

if (import.meta.main) {
  const [service = '', options = ''] = process.argv.slice(2);
  const { url, token } = JSON.parse(service);
  process.stdout.write(JSON.stringify(await pour(url, token, JSON.parse(options))));
}
