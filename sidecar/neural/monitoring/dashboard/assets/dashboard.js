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

  /* What each slot shows, so that the next rendering only touches what has changed: Dash makes all components under new children
     anew, and with them go the focus, the scroll position, open details and Plotly's drawings. */
  var shown = { name: null, slots: {} };

  /* Dash 4 keeps the layout under a key of its own; before that it was the root. */
  function absolute(path) {
    var layout = window.dash_component_api.getLayout([]);
    return layout && layout.components ? ["components"].concat(path) : path;
  }
  function fill(slot, path, after, samePage) {
    var box = { type: "Div", namespace: "dash_html_components", props: { children: after } };
    var before = shown.slots[slot];
    shown.slots[slot] = box;
    if (before && samePage) { reconcile(path, before, box); } else { set(path, { children: after }); }
  }
  function set(path, props) { window.dash_clientside.set_props(path, props); }
  function isComponent(node) { return Boolean(node) && typeof node === "object" && Boolean(node.props && node.type && node.namespace); }
  function same(a, b) { return a === b || JSON.stringify(a) === JSON.stringify(b); }
  function fits(a, b) {
    if (!isComponent(a) || !isComponent(b)) { return !isComponent(a) && !isComponent(b) && same(a, b); }
    return a.type === b.type && a.namespace === b.namespace && same(a.props.id, b.props.id);
  }
  function reconcile(path, before, after) {
    var changes = {};
    Object.keys(Object.assign({}, before.props, after.props)).forEach(function (key) {
      if (key === "children" || same(before.props[key], after.props[key])) { return; }
      changes[key] = after.props[key] === undefined ? null : after.props[key];
    });
    var old = before.props.children;
    var next = after.props.children;
    if (isComponent(old) && fits(old, next)) {
      reconcile(path.concat(["props", "children"]), old, next);
    } else if (Array.isArray(old) && Array.isArray(next) && old.length === next.length && old.every(function (n, i) { return fits(n, next[i]); })) {
      next.forEach(function (node, i) {
        if (isComponent(node)) { reconcile(path.concat(["props", "children", i]), old[i], node); }
      });
    } else if (!same(old, next)) {
      changes.children = next === undefined ? null : next;
    }
    if (Object.keys(changes).length) { set(path, changes); }
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

  /* Silences and acknowledgements go straight to the sidecar's API, which decides who may. The token is kept for this tab only. */
  function whoIsIt() {
    var name = null;
    try { name = window.localStorage.getItem("neural-name"); } catch (e) { /* private windows have no storage */ }
    if (!name) {
      name = (window.prompt("Your name, for those who look here after you:") || "").trim().slice(0, 100);
      try { if (name) { window.localStorage.setItem("neural-name", name); } } catch (e) { /* then it is asked for again */ }
    }
    return name;
  }
  function ask(button, said, token) {
    var headers = { "Content-Type": "application/json" };
    if (token) { headers.Authorization = "Bearer " + token; }
    var body = button.dataset.body ? JSON.parse(button.dataset.body) : null;
    if (body && body.matchers) { body.author = "dashboard"; body.reason = "silenced in the dashboard"; }
    if (body && !body.matchers) {
      body.author = whoIsIt();
      if (!body.author) { said.textContent = "not done: it needs a name"; return; }
    }
    window.fetch(button.dataset.url, { method: button.dataset.method, headers: headers, body: body ? JSON.stringify(body) : undefined })
      .then(function (reply) {
        if (reply.ok) {
          if (token) { window.sessionStorage.setItem("neural-token", token); }
          said.textContent = "done";
          window.dash_clientside.set_props("tick", { n_intervals: Date.now() });
        } else if (reply.status === 401) {
          window.sessionStorage.removeItem("neural-token");
          var given = window.prompt("The sidecar asks for its token:");
          if (given) { ask(button, said, given); } else { said.textContent = "not done: it needs the token"; }
        } else {
          reply.json().then(function (problem) { said.textContent = "not done: " + (problem.title || problem.detail || reply.status); },
            function () { said.textContent = "not done: " + reply.status; });
        }
      }, function () { said.textContent = "not done: no answer"; });
  }
  document.addEventListener("click", function (event) {
    var button = event.target && event.target.closest && event.target.closest("button.action");
    if (!button) { return; }
    ask(button, button.parentElement.querySelector(".said"), window.sessionStorage.getItem("neural-token"));
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    neural: {
      apply: function (made, slots) {
        if (!made) { return window.dash_clientside.no_update; }
        Object.keys(made.slots).forEach(function (slot) { fill(slot, absolute(slots[slot]), made.slots[slot], shown.name === made.name); });
        shown.name = made.name;
        document.title = made.title;
        lastRendered = Date.now();
        refreshMs = made.refreshSeconds * 1000;
        paused = !made.live;
        root.dataset.rendered = String(lastRendered);
        return window.dash_clientside.no_update;
      },
      pick_feature: function (click, figure, search) {
        var point = click && click.points && click.points[0];
        var trace = point && figure && figure.data[0];
        var name = trace && trace.meta[trace.y.indexOf(point.y)];
        return name ? changed(search, { feature: name }) : window.dash_clientside.no_update;
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
