import * as client from '@eventstore/db-client';
import { eventStoreDbFaults } from './fault-contract.ts';

eventStoreDbFaults('eventstoredb', client);
