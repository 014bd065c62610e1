// Keeps a page honest: it reconnects the stream, refreshes what it shows, and says so when it cannot.
(() => {
  "use strict";

  const SILENCE_MS = 12000; // two ticks of the server, and a little
  const WAKING_MS = 3000; // a page coming back to the front may first catch up
  const RETRY_MS = 3000;

  addEventListener("pageshow", (event) => event.persisted && location.reload());

  const live = document.getElementById("live");
  if (!live) return;

  const banner = document.getElementById("stale");
  const since = banner.querySelectorAll("[data-since]"); // a wall says it in each of its languages
  const siteClock = document.getElementById("site-clock");
  const neverPauses = live.hasAttribute("data-never-pauses");
  const failed = new Set(); // elements whose last refresh failed
  let clock = siteClock.textContent;
  let lastLife = performance.now();
  let lastLifeAt = Date.now();
  let wakingUntil = 0;
  let connection = null;
  let retry = null;

  const isStale = () => !banner.hidden;

  // While a PC sleeps only the wall clock goes on; one that was set is believed until the next tick.
  const silenceMs = () => Math.max(performance.now() - lastLife, Date.now() - lastLifeAt);

  function lives(sinceMs = 0) {
    lastLife = performance.now() - sinceMs;
    lastLifeAt = Date.now() - sinceMs;
  }

  function showStale() {
    if (isStale()) return;
    for (const place of since) place.textContent = clock;
    banner.hidden = false;
    document.documentElement.classList.add("is-stale");
  }

  function showLive() {
    if (failed.size) return;
    banner.hidden = true;
    document.documentElement.classList.remove("is-stale");
  }

  function onSignal(message) {
    lives();
    if (/^\d\d:\d\d$/.test(message.data)) {
      clock = message.data;
      siteClock.textContent = clock;
    }
    if (!isStale()) return;
    if (message.event !== "resync") htmx.trigger(live, "resync");
    showLive();
  }

  function reconnectSoon() {
    clearTimeout(retry);
    retry = setTimeout(() => htmx.trigger(live, "reconnect"), 500 + Math.random() * 1000);
  }

  function watch() {
    if (document.hidden && !neverPauses) return;
    if (silenceMs() < SILENCE_MS || performance.now() < wakingUntil) return;
    showStale();
    connection?.reader?.cancel(); // a dead cable says nothing: open a new stream
    lives(SILENCE_MS - RETRY_MS);
  }

  function refreshAgain() {
    for (const element of failed) if (!element.isConnected) failed.delete(element);
    if (failed.size) htmx.trigger(live, "resync");
    else if (isStale() && silenceMs() < SILENCE_MS) showLive();
  }

  const isRefresh = (ctx) => ctx?.request?.method === "GET" && ctx.sourceElement !== live && ctx.sourceEvent?.target === live;

  function refreshFailed(event) {
    const ctx = event.detail.ctx;
    if (!isRefresh(ctx)) return;
    failed.add(ctx.sourceElement);
    showStale();
    setTimeout(refreshAgain, RETRY_MS);
  }

  function refreshed(event) {
    const ctx = event.detail.ctx;
    if (!isRefresh(ctx) || ctx.response?.status >= 400) return;
    if (failed.delete(ctx.sourceElement)) refreshAgain();
  }

  live.addEventListener("htmx:sse:before:message", (event) => onSignal(event.detail.message));
  live.addEventListener("htmx:sse:after:connection", (event) => (connection = event.detail.connection));
  live.addEventListener("htmx:sse:before:connection", (event) => {
    // every new stream is a whole request, so that an ended session leads to the sign-in page
    if (event.detail.connection.attempt > 0) event.detail.connection.cancelled = true;
  });
  live.addEventListener("htmx:sse:close", () => {
    connection = null;
    reconnectSoon();
  });
  live.addEventListener("htmx:finally:request", () => connection || reconnectSoon());

  document.addEventListener("htmx:error", refreshFailed);
  document.addEventListener("htmx:response:error", refreshFailed);
  document.addEventListener("htmx:after:swap", refreshed);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wakingUntil = performance.now() + WAKING_MS;
  });
  setInterval(watch, 1000);
})();
