import { writeFileSync } from 'node:fs';
import { eventCatalogue } from './event-catalogue.ts';

writeFileSync(new URL('../../docs/events.md', import.meta.url), eventCatalogue());
