// Charts, sorting, filtering and the theme button. The pages are complete without any of it.
(() => {
  "use strict";
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");

  // --- theme -----------------------------------------------------------------------------
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);

  function labelThemeButton(button) {
    const other = isDark() ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
  }

  function setUpTheme() {
    const button = document.getElementById("theme");
    button.hidden = false;
    labelThemeButton(button);
    const changed = () => {
      labelThemeButton(button);
      drawCharts();
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        localStorage.setItem("harness-theme", root.dataset.theme);
      } catch {
        // If storage is forbidden, the choice is not remembered; the page still changes.
      }
      changed();
    });
    systemDark.addEventListener("change", changed);
  }

  // --- charts ----------------------------------------------------------------------------
  function chartConfig(width) {
    const style = getComputedStyle(root);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    const font = getComputedStyle(document.body).fontFamily;
    const text = { labelFont: font, titleFont: font, labelColor: color("text"), titleColor: color("muted") };
    return {
      background: null,
      font,
      view: { stroke: null },
      range: { category: ["accent", "second", "ok", "plum", "warn", "bad"].map(color) },
      axis: {
        ...text,
        titleFontWeight: 500,
        gridColor: color("grid"),
        domainColor: color("line"),
        tickColor: color("line"),
      },
      axisY: { labelLimit: Math.min(260, width * 0.4) },
      legend: { ...text, symbolStrokeColor: color("muted") },
      bar: { color: color("accent") },
      line: { color: color("accent"), strokeWidth: 1.5 },
      style: {
        interval: { stroke: color("text"), fill: color("text"), color: color("text") },
        median: { color: color("text"), stroke: color("text"), strokeWidth: 2 },
        name: { color: color("text"), fill: color("text") },
        change: { color: color("muted"), stroke: color("muted") },
        "change-name": { color: color("text"), fill: color("text") },
        moment: { fill: color("accent"), color: color("accent") },
        worse: { color: color("bad"), fill: color("bad") },
        better: { color: color("ok"), fill: color("ok") },
      },
    };
  }

  let busy = false;
  let again = false;
  const views = new Map();

  // Draws one chart after the other and yields in between, so that a page with many charts stays
  // responsive. If the theme changes meanwhile, drawing starts over; two drawings never run at
  // once, because both would write to the same place.
  async function drawCharts() {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      for (const figure of document.querySelectorAll("figure.chart")) {
        if (again) break;
        await draw(figure);
        await new Promise((resume) => setTimeout(resume));
      }
    }
    busy = false;
  }

  async function draw(figure) {
    const plot = figure.querySelector(".plot");
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const drawn = await window.vegaEmbed(plot, spec, {
      actions: false,
      ast: true, // expressions are interpreted: the page's policy forbids eval
      config: chartConfig(plot.clientWidth),
      defaultStyle: false,
      renderer: "svg",
      tooltip: { disableDefaultStyle: true, theme: "harness" },
    });
    views.get(figure)?.finalize();
    views.set(figure, drawn);
    figure.dataset.drawn = isDark() ? "dark" : "light";
  }

  // --- sorting ---------------------------------------------------------------------------
  function valueOf(row, index) {
    const cell = row.cells[index];
    const given = cell?.dataset.value;
    const text = (given ?? cell?.textContent ?? "").trim();
    if (text === "" || text.startsWith("—")) return null;
    const number = Number(text.replaceAll(",", ""));
    return Number.isNaN(number) ? text.toLowerCase() : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sortBy(table, header, index) {
    const first = header.dataset.first ?? "asc";
    const now = header.getAttribute("aria-sort");
    const other = { ascending: "descending", descending: "ascending" };
    const next = now ? other[now] : first === "asc" ? "ascending" : "descending";
    for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", next);
    const sign = next === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    if (body.classList.contains("unranked")) return;
    const keyed = [...body.rows].map((row) => ({ row, value: valueOf(row, index) }));
    keyed.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null);
      return sign * compare(a.value, b.value);
    });
    body.append(...keyed.map(({ row }) => row));
  }

  function setUpSorting() {
    for (const table of document.querySelectorAll("table[data-sortable]")) {
      [...table.tHead.rows[0].cells].forEach((header, index) => {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...header.childNodes);
        header.append(button);
        button.addEventListener("click", () => sortBy(table, header, index));
      });
    }
  }

  // --- filtering -------------------------------------------------------------------------
  function setUpFilter() {
    const input = document.getElementById("filter");
    if (!input) return;
    input.closest(".filter").hidden = false;
    const rows = [...document.querySelectorAll("tr[data-text]")].map((row) => ({
      row,
      text: row.dataset.text.toLowerCase(),
    }));
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { row, text } of rows) {
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      for (const box of document.querySelectorAll(".group, section.board")) {
        box.hidden = words.length > 0 && !box.querySelector("tr[data-text]:not([hidden])");
      }
      document.getElementById("found").textContent = words.length ? `${shown} rows shown` : "";
    });
  }

  setUpTheme();
  setUpSorting();
  setUpFilter();
  drawCharts();
})();
