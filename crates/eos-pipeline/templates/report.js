(function () {
  "use strict";
  var figures = Array.prototype.slice.call(document.querySelectorAll(".map figure"));

  function line(lines, from, to, dashed) {
    var one = document.createElementNS("http://www.w3.org/2000/svg", "line");
    var values = { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke: "currentColor", "stroke-width": dashed ? 1 : 2.5 };
    if (dashed) values["stroke-dasharray"] = "4 3";
    for (var name in values) one.setAttribute(name, values[name]);
    lines.appendChild(one);
  }

  // Makes the rings of a map tell their origins; returns how many there are.
  function tell(figure) {
    var svg = figure.querySelector("svg");
    var out = figure.querySelector("output");
    var rings = Array.prototype.slice.call(svg.querySelectorAll("circle[data-ends]"));
    var lines = null;
    var at = -1;

    function show(index) {
      at = (index + rings.length) % rings.length;
      var ring = rings[at];
      var ends = ring.getAttribute("data-ends").split(" ");
      var end = function (i) { return [ends[2 * i], ends[2 * i + 1]]; };
      if (lines) lines.remove();
      lines = document.createElementNS("http://www.w3.org/2000/svg", "g");
      lines.setAttribute("class", "origin-lines");
      lines.setAttribute("pointer-events", "none");
      line(lines, end(1), end(2), true);
      line(lines, end(0), [ring.getAttribute("cx"), ring.getAttribute("cy")], false);
      svg.appendChild(lines);
      out.textContent = ring.querySelector("title").textContent + ".";
    }

    if (!rings.length) return 0;
    rings.forEach(function (ring, index) {
      ring.addEventListener("pointerenter", function () { show(index); });
      ring.addEventListener("click", function () { show(index); });
    });
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show(at < 0 ? 0 : at + step);
    });
    svg.addEventListener("focus", function () { if (at < 0) show(0); });
    out.textContent = "Point at, tap or focus a ring (then arrow keys): a solid line goes to it from its base, " +
      "a dashed one joins the rows that it was moved along.";
    return rings.length;
  }

  var root = document.documentElement;
  root.setAttribute("data-origins", figures.map(tell).join(" "));
  root.setAttribute("data-overflow", root.scrollWidth - root.clientWidth);
  root.setAttribute("data-script", "ran");
})();
