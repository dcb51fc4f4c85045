import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../order.js';

test('an order of nothing costs nothing', () => {
  assert.equal(total([]), 0);
});

test('every piece is paid for', () => {
  assert.equal(total([{ name: 'cup', price: 450, quantity: 3 }]), 1350);
});

test('a discount is taken off the sum', () => {
  assert.equal(total([{ name: 'cup', price: 450, quantity: 1 }], 10), 405);
});
