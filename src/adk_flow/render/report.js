"use strict";
// What a report can do besides being read: its tables sort, its constructs can be ticked away.
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

  // A figure's words without the difference below it.
  function wordsOf(cell) {
    const words = cell.querySelector(".name") ?? cell;
    return [...words.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join("").trim();
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
  if (choice) {
    choice.hidden = false;
    choice.addEventListener("change", hideUnticked);
    hideUnticked();
  }
})();
