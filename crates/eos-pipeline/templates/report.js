(function () {
  "use strict";
  var svg = document.querySelector(".map svg");
  var out = document.querySelector(".map output");
  var rings = svg ? Array.prototype.slice.call(svg.querySelectorAll("circle[data-ends]")) : [];
  var lines = null;
  var at = -1;

  function line(x1, y1, x2, y2, dashed) {
    var one = document.createElementNS("http://www.w3.org/2000/svg", "line");
    var values = { x1: x1, y1: y1, x2: x2, y2: y2, stroke: "currentColor", "stroke-width": dashed ? 1 : 2.5 };
    if (dashed) values["stroke-dasharray"] = "4 3";
    for (var name in values) one.setAttribute(name, values[name]);
    lines.appendChild(one);
  }

  function show(index) {
    at = (index + rings.length) % rings.length;
    var ring = rings[at];
    var ends = ring.getAttribute("data-ends").split(" ");
    if (lines) lines.remove();
    lines = document.createElementNS("http://www.w3.org/2000/svg", "g");
    lines.setAttribute("class", "origin-lines");
    lines.setAttribute("pointer-events", "none");
    var end = function (i) { return [ends[2 * i], ends[2 * i + 1]]; };
    line.apply(null, end(1).concat(end(2), true));
    line.apply(null, end(0).concat([ring.getAttribute("cx"), ring.getAttribute("cy")], false));
    svg.appendChild(lines);
    out.textContent = ring.querySelector("title").textContent + ".";
  }

  if (rings.length) {
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
  }
  var root = document.documentElement;
  root.setAttribute("data-origins", rings.length);
  root.setAttribute("data-overflow", root.scrollWidth - root.clientWidth);
  root.setAttribute("data-script", "ran");
})();
