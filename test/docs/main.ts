import { readFileSync, writeFileSync } from 'node:fs';
import { withCallTable } from './call-table.ts';
import { eventCatalogue } from './event-catalogue.ts';
import { withVariableTable } from './variable-table.ts';

const docs = new URL('../../docs/', import.meta.url);
const operations = new URL('operations.md', docs);
const httpApi = new URL('contracts/http-api.md', docs);

writeFileSync(new URL('events.md', docs), eventCatalogue());
writeFileSync(operations, withVariableTable(readFileSync(operations, 'utf8')));
writeFileSync(httpApi, await withCallTable(readFileSync(httpApi, 'utf8')));
