import { readFileSync, writeFileSync } from 'node:fs';
import { eventCatalogue } from './event-catalogue.ts';
import { withVariableTable } from './variable-table.ts';

const docs = new URL('../../docs/', import.meta.url);
const operations = new URL('operations.md', docs);

writeFileSync(new URL('events.md', docs), eventCatalogue());
writeFileSync(operations, withVariableTable(readFileSync(operations, 'utf8')));
