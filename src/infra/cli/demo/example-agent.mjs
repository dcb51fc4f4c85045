#!/usr/bin/env node
// The agent of the demo. It is a script and no model: it knows the one bug of the example repository. It runs where a real agent would,
// inside bubblewrap, and gets what a real agent gets: a working folder, and the request in $OKD_INTENT.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const file = join(process.env.OKD_WORKDIR ?? '.', 'order.js');

console.log('example agent: I am a script, not a model');
console.log(`example agent: asked for: ${process.env.OKD_INTENT}`);
console.log('example agent: order.js adds up prices and forgets quantities');
writeFileSync(file, readFileSync(file, 'utf8').replace('cents + item.price', 'cents + item.price * item.quantity'));
writeFileSync(join(process.env.OKD_OUTDIR ?? '.', 'agent.meta.json'), JSON.stringify({ kind: 'scripted example' }));
console.log('example agent: done');
