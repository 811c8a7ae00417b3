// The time for texts such as `3 min ago`, which move on.
let now = $state(Date.now() / 1000);

setInterval(() => {
  now = Date.now() / 1000;
}, 5000);

export const clock = {
  get now(): number {
    return now;
  },
};
