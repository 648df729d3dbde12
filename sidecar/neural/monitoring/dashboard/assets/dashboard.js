/* The little the browser does itself: the theme, the model choice, a click on the heat map, and noticing that the server is gone. */
(function () {
  "use strict";
  var KEY = "neural-theme";
  var root = document.documentElement;
  var lastRendered = Date.now();
  var refreshMs = 15000;
  var paused = false;

  function stored() {
    try { return window.localStorage.getItem(KEY); } catch (e) { return null; }
  }
  function remember(theme) {
    try { window.localStorage.setItem(KEY, theme); } catch (e) { /* private windows have no storage */ }
  }
  function current() {
    return root.dataset.theme || (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  }
  if (stored() === "light" || stored() === "dark") { root.dataset.theme = stored(); }

  function changed(search, values) {
    var query = new URLSearchParams(search || "");
    Object.keys(values).forEach(function (name) {
      if (values[name]) { query.set(name, values[name]); } else { query.delete(name); }
    });
    var text = query.toString();
    return text ? "?" + text : "";
  }

  window.setInterval(function () {
    var banner = document.getElementById("offline");
    if (banner) { banner.hidden = paused || document.hidden || Date.now() - lastRendered < Math.max(3 * refreshMs, 10000); }
  }, 2000);
  document.addEventListener("visibilitychange", function () { lastRendered = Math.max(lastRendered, Date.now() - refreshMs); });

  /* Only a person's choice fires a change event; the server setting the same value again does not. */
  document.addEventListener("change", function (event) {
    if (!event.target || event.target.id !== "model") { return; }
    var parts = event.target.value.split("\u001f");
    var search = changed(window.location.search, { model: parts[0], version: parts[1], feature: "", slo: "" });
    window.dash_clientside.set_props("url", { search: search });
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    neural: {
      rendered: function (_page, title, interval, disabled) {
        lastRendered = Date.now();
        refreshMs = interval || refreshMs;
        paused = Boolean(disabled);
        if (title) { document.title = title; }
        root.dataset.rendered = String(lastRendered);
        return "";
      },
      pick_feature: function (click, search) {
        var point = click && click.points && click.points[0];
        if (!point || !point.customdata) { return window.dash_clientside.no_update; }
        return changed(search, { feature: point.customdata });
      },
      switch_theme: function (clicks) {
        if (!clicks) { return window.dash_clientside.no_update; }
        var next = current() === "dark" ? "light" : "dark";
        root.dataset.theme = next;
        remember(next);
        return "Light or dark (now " + next + ")";
      }
    }
  });
})();
