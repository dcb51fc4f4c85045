#!/bin/sh
# Stands in for a coding agent where pictures are taken: it knows the few requests of the stories, and says what it does.
set -eu
say() {
  echo "$1"
  sleep 2
}

say 'Reading order.js and test/order.test.js'
case "$OKD_INTENT" in
*'Three cups'*)
  say 'The quantity of an item is never used'
  sed -i 's/item.price/item.price * item.quantity/' order.js
  ;;
*'free shipping'*)
  say 'Adding shipping to the total'
  sed -i 's/item.price/item.price + 490/' order.js
  ;;
*'two discounts'*)
  say 'Adding a test for it'
  sed -i 's/item.price/item.price * item.quantity/' order.js
  cat >>test/order.test.js <<'TEST'

test('never costs less than nothing', () => {
  assert.equal(total([{ name: 'cup', price: 1, quantity: 1 }], 100), 0);
});
TEST
  ;;
esac
say 'Done'
printf '{"cost_usd": "0.07", "tokens": "18400"}' >"$OKD_OUTDIR/agent.meta.json"
sleep 2
