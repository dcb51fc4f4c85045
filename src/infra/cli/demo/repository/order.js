/** What an order costs, in cents. `discount` is a percentage of the sum. */
export const total = (items, discount = 0) => {
  const sum = items.reduce((cents, item) => cents + item.price, 0);
  return Math.round(sum * (1 - discount / 100));
};
