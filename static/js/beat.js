// A worker's clock, which a browser does not slow down while the page is behind another one: the desk is there.

const EVERY = 10000;

setInterval(() => postMessage("beat"), EVERY);
