"use strict";
// What a report can do besides being read: its tables sort, its constructs can be ticked away, another
// turn can be drawn, and two constructs stand side by side, step by step.
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const collator = new Intl.Collator("en", { numeric: true });
  const choice = document.querySelector("#constructs");

  function hideUnticked() {
    const hidden = new Set(all("input:not(:checked)", choice).map((input) => input.value));
    for (const part of all("[data-construct]")) part.hidden = hidden.has(part.dataset.construct);
    for (const figure of all("figure")) {
      figure.hidden = all("[data-construct]", figure).every((name) => name.hidden);
    }
  }

  // A figure's words without tags and what stands below it.
  function wordsOf(cell) {
    const copy = cell.cloneNode(true);
    for (const part of all("small, .tag", copy)) part.remove();
    return copy.textContent.trim();
  }

  function compare(one, other) {
    const [a, b] = [one, other].map((text) => parseFloat(text.split("→").at(-1).replace(/^\W+|,/g, "")));
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b) || collator.compare(one, other);
    return a - b;
  }

  function sort(header) {
    const isUp = header.ariaSort !== "ascending";
    const body = header.closest("table").tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, words: wordsOf(row.cells[header.cellIndex]) }));
    rows.sort((one, other) => (isUp ? 1 : -1) * compare(one.words, other.words));
    for (const cell of header.parentElement.cells) cell.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    body.append(...rows.map(({ row }) => row));
  }

  for (const table of all("table")) {
    // A name that stands for several rows would be torn from them.
    if (table.querySelector("[rowspan]") || table.tBodies[0].rows.length < 2) continue;
    for (const header of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sort(header));
      header.append(button);
    }
  }
  // Another turn

  const places = ["sequence", "waterfall"].map((style) => document.querySelector(`[data-style=${style}]`));
  const dialog = document.querySelector("#pair");
  const choices = all("select.turns");
  let drawn; // of each turn the HTML of its sequences and waterfalls, unpacked when it is asked for

  async function unpack() {
    const bytes = Uint8Array.from(atob(document.querySelector("#packed").content.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return [places.map((place) => place.innerHTML), ...(await new Response(stream).json())];
  }

  async function drawTurn(choice) {
    drawn ??= await unpack();
    for (const [index, place] of places.entries()) place.innerHTML = drawn[choice.value][index];
    for (const which of all(".which")) which.textContent = choice.selectedOptions[0].textContent;
    for (const other of choices) other.value = choice.value;
    prepare();
    if (dialog.open) showPair();
  }

  // A construct's name in a caption opens it beside another.
  function prepare() {
    for (const name of places.flatMap((place) => all("figcaption .name", place))) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...name.childNodes);
      button.addEventListener("click", () => openPair(name.parentElement.dataset.construct));
      name.append(button);
    }
    if (choice) hideUnticked();
    reach();
  }

  // What is wider than its place is scrolled by keyboard, too.
  function reach() {
    for (const place of all(".pictures .scroll")) place.tabIndex = place.scrollWidth > place.clientWidth ? 0 : -1;
  }

  // Side by side

  const sides = all(".sides > section", dialog).map((place) => ({ place, select: place.querySelector("select"), steps: [] }));
  let at = 0; // the step that is shown; 0 for all

  const figuresOf = (construct) =>
    places.map((place) => all("figure", place).find((figure) => linkOf(figure, construct))).filter(Boolean);
  const linkOf = (figure, construct) =>
    all("[data-construct]", figure).find((name) => name.dataset.construct === construct)?.querySelector("a");

  function openPair(construct) {
    const names = [...sides[0].select.options].map((option) => option.value);
    const marked = ["recommended", "cheapest", "baseline"].map((mark) => document.querySelector(`.tag.${mark}`)?.closest("[data-construct]").dataset.construct);
    sides[0].select.value = construct;
    sides[1].select.value = [...marked, ...names].find((name) => name && name !== construct) ?? construct;
    dialog.showModal();
    dialog.querySelector("[data-walk='1']").focus(); // not a select, which takes the arrow keys
    showPair();
  }

  function showPair() {
    for (const side of sides) {
      const figures = figuresOf(side.select.value).map((figure) => figure.cloneNode(true));
      side.place.querySelector(".pictures").replaceChildren(...figures);
      for (const figure of figures) {
        figure.hidden = false;
        figure.querySelector("figcaption").replaceChildren(figure.querySelector("figcaption .count") ?? "");
      }
      const records = all("[data-record]", side.place).map((shape) => Number(shape.dataset.record));
      side.steps = [...new Set(records)].sort((one, other) => one - other);
    }
    reach();
    walk(0);
  }

  function walk(by) {
    const last = Math.max(...sides.map((side) => side.steps.length));
    at = by && Math.max(0, Math.min(at + by, last));
    for (const { place, select, steps } of sides) {
      const record = at ? (steps[at - 1] ?? steps.at(-1)) : Infinity;
      for (const shape of all("[data-record]", place)) {
        shape.classList.toggle("future", shape.dataset.record > record);
        shape.classList.toggle("current", Number(shape.dataset.record) === record);
      }
      const current = all(".current", place).map((shape) => shape.parentElement.querySelector("title")?.textContent);
      place.querySelector(".step").textContent = [...new Set(current)].filter(Boolean).join(" · ");
      const link = places.map((each) => all("figure", each).map((figure) => linkOf(figure, select.value)).find(Boolean)).find(Boolean);
      const proof = place.querySelector(".proof");
      proof.hidden = !link;
      if (!link) continue;
      proof.href = link.getAttribute("href") + (at ? `/record-${record}` : "");
      proof.textContent = at ? `record ${record}` : "flow";
    }
    dialog.querySelector("#step").textContent = at ? `step ${at} of ${last}` : `${last} steps`;
  }

  for (const select of choices) select.addEventListener("change", () => drawTurn(select));
  for (const { select } of sides) select.addEventListener("change", showPair);
  for (const button of all("[data-walk]", dialog)) button.addEventListener("click", () => walk(Number(button.dataset.walk)));
  dialog.querySelector("#close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.target.closest("select")) return;
    walk(by);
    event.preventDefault();
  });
  window.addEventListener("resize", reach);
  for (const part of all(".scripted")) part.hidden = false;
  prepare();

  if (choice) {
    choice.hidden = false;
    choice.addEventListener("change", hideUnticked);
  }
})();
