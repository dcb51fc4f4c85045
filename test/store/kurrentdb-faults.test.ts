import { loadClient } from '../../src/infra/store/eventstoredb-module.ts';
import { eventStoreDbFaults } from './fault-contract.ts';

eventStoreDbFaults('kurrentdb', await loadClient('kurrentdb://127.0.0.1'));
