"use strict";
// The page of a flow: the stepper, what is selected, and, where it is served, what is new.
(() => {
  const find = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const base = document.body.dataset.base;
  const parse = (html) => new DOMParser().parseFromString(html, "text/html").body;
  const pace = find("#pace");
  const legend = [...find("#panel").childNodes];
  let steps = []; // every record: its turn, its number, when it came by each pace
  let at = -1; // index of the step that is shown; -1 for all
  let timer = 0;
  let asked = 0;
  let events; // the stream of what is new
  let isChosen = false; // whether the user chose a pace
  let isKept = false; // whether it stays with one session, and does not go on to the newest

  const session = () => find("#head")?.dataset.session ?? "";

  function readSteps() {
    if (!isChosen) pace.value = find("#head")?.dataset.pace ?? "projected";
    steps = all(".turn").flatMap((turn) =>
      turn.dataset.steps.split(" ").filter(Boolean).map((step) => {
        const [record, measured, projected] = step.split(":").map(Number);
        return { turn, record, measured, projected };
      }),
    );
  }

  // What is shown

  function show() {
    const step = steps[at];
    const seen = step && all("svg a[data-record]", step.turn).filter((a) => a.dataset.record <= step.record);
    const reached = seen?.filter((a) => a.closest(".sequence")).at(-1)?.dataset.record;
    for (const shape of all("[data-record]")) {
      const record = Number(shape.dataset.record);
      const isHere = step?.turn.contains(shape);
      shape.classList.toggle("future", Boolean(isHere && record > step.record));
      shape.classList.toggle("current", Boolean(isHere && shape.dataset.record === reached));
    }
    showTimeline(step);
    find("#where").textContent = step
      ? `turn ${step.turn.dataset.turn}, record ${step.record} (${at + 1} of ${steps.length})`
      : `${steps.length} records`;
  }

  function bring(shape) {
    const place = shape?.getBoundingClientRect();
    const isHidden = place && (place.top < 60 || place.bottom > find("#dock").getBoundingClientRect().top - 20);
    if (isHidden) shape.scrollIntoView({ block: "center" });
  }

  function showTimeline(step) {
    const turn = step?.turn ?? all(".turn").at(-1);
    for (const figure of all(".turn .timeline")) figure.classList.toggle("chosen", figure.classList.contains(pace.value));
    const figure = turn && find(`.timeline.${pace.value}`, turn)?.cloneNode(true);
    find("#timeline").replaceChildren(...(figure ? [figure] : []));
    if (!figure || !step) return;
    const svg = find("svg", figure);
    const x = Number(figure.dataset.left) + step[pace.value] * Number(figure.dataset.scale);
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
    cursor.setAttribute("class", "cursor");
    cursor.setAttribute("d", `M${x} 0V${svg.viewBox.baseVal.height - 14}`);
    svg.append(cursor);
  }

  async function explain() {
    const mine = ++asked;
    const step = steps[at];
    if (!step) return find("#panel").replaceChildren(...legend);
    const nodes = await detail(step.record);
    if (mine !== asked) return;
    find("#panel").replaceChildren(...nodes);
    const proof = new Set(all("#panel [data-proof]").flatMap((e) => e.dataset.proof.split(" ")));
    for (const a of all("svg a[data-record]")) a.classList.toggle("proof", proof.has(a.dataset.record));
  }

  async function detail(record) {
    const kept = find(`#detail-${record}`);
    if (kept) return [kept.content.cloneNode(true)];
    if (!base) return [];
    const answer = await fetch(`${base}s/${session()}/${record}`);
    return answer.ok ? [...parse(await answer.text()).childNodes] : [];
  }

  // Walking

  function go(index) {
    at = Math.max(-1, Math.min(index, steps.length - 1));
    const step = steps[at];
    const hash = step ? `#turn-${step.turn.dataset.turn}/record-${step.record}` : "";
    const place = base ? `${base}s/${session()}` : location.pathname;
    try {
      history.replaceState(null, "", place + hash); // from now on this session stays
    } catch { /* a page in a page has no address */ }
    if (base && !isKept) listen();
    show();
    if (step) bring(find(".sequence .current", step.turn));
    explain();
  }

  function followLink() {
    const link = /^#turn-(\d+)\/record-(\d+)$/.exec(location.hash);
    if (!link) return;
    const found = steps.findIndex((s) => s.turn.dataset.turn === link[1] && s.record >= Number(link[2]));
    if (found >= 0) go(found);
  }

  function stop() {
    clearTimeout(timer);
    timer = 0;
    find("#play").textContent = "▶";
    find("#play").setAttribute("aria-label", "Play");
  }

  function play() {
    if (timer) return stop();
    find("#play").textContent = "❚❚";
    find("#play").setAttribute("aria-label", "Pause");
    if (at >= steps.length - 1) at = -1;
    const next = () => {
      go(at + 1);
      const [now, later] = [steps[at], steps[at + 1]];
      if (!later) return stop();
      const wait = now.turn === later.turn ? (later[pace.value] - now[pace.value]) / 1000 : 600;
      timer = setTimeout(next, Math.max(wait, 0));
    };
    next();
  }

  const walk = (by) => {
    stop();
    go(at + by);
  };
  const showAll = () => {
    stop();
    go(-1);
  };

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const onButton = event.target.closest("button, summary");
    if (event.key === "ArrowRight") walk(1);
    else if (event.key === "ArrowLeft") walk(-1);
    else if (event.key === " " && !onButton) play();
    else if (event.key === "Escape") showAll();
    else return;
    event.preventDefault();
  });
  find("#back").addEventListener("click", () => walk(-1));
  find("#next").addEventListener("click", () => walk(1));
  find("#play").addEventListener("click", play);
  find("#whole").addEventListener("click", showAll);
  find("#more").addEventListener("click", () => find("#panel").scrollIntoView());
  pace.addEventListener("change", () => {
    isChosen = true;
    show();
  });
  window.addEventListener("hashchange", followLink);
  document.addEventListener(
    "scroll",
    ({ target }) => {
      const lanes = target.parentElement && find(".lanes", target.parentElement);
      if (lanes) lanes.scrollLeft = target.scrollLeft;
    },
    true,
  );
  document.addEventListener("click", (event) => {
    // A link to the record that is shown already changes no address.
    const link = event.target.closest("a[href^='#turn-']");
    if (!link) return;
    stop();
    if (link.getAttribute("href") === location.hash) followLink();
  });

  // What is new

  function search() {
    const words = find("#search").value.toLowerCase();
    sessionStorage.setItem("search", words);
    for (const row of all("#rows li")) row.hidden = !row.dataset.words.includes(words);
  }

  function put(id, html) {
    const piece = parse(html).firstElementChild;
    const old = document.getElementById(id);
    if (!id.startsWith("row-")) return old ? old.replaceWith(piece) : find("#session").append(piece);
    old?.remove();
    const after = all("#rows li").find((row) => Number(row.dataset.began) < Number(piece.dataset.began));
    find("#rows").insertBefore(piece, after ?? null);
  }

  function take(news) {
    const step = steps[at];
    const last = all(".turn").at(-1)?.id;
    find("#empty")?.remove();
    for (const id of news.gone) document.getElementById(id)?.remove();
    for (const [id, html] of news.pieces) put(id, html);
    for (const a of all("#rows a")) a.toggleAttribute("aria-current", a.parentElement.id === `row-${session()}`);
    readSteps();
    const kept = step && steps.findIndex((s) => s.record === step.record && s.turn.id === step.turn.id);
    at = kept ?? -1;
    search();
    show();
    const turn = all(".turn").at(-1);
    if (!step && last && turn && turn.id !== last) turn.scrollIntoView();
  }

  function listen() {
    isKept = location.pathname.startsWith(`${base}s/`);
    const own = isKept ? session() : "";
    events?.close();
    events = new EventSource(`${base}events${own && `?session=${own}`}`);
    events.onmessage = (event) => take(JSON.parse(event.data));
    events.onopen = () => (find("#link").textContent = "");
    events.onerror = () => (find("#link").textContent = "✗ adk-flow watch has ended or cannot be reached");
  }

  document.documentElement.classList.add("scripted");
  find("#dock").hidden = false;
  readSteps();
  show();
  followLink();
  if (base) {
    find("#search").value = sessionStorage.getItem("search") ?? "";
    find("#search").addEventListener("input", search);
    if (matchMedia("(max-width: 700px)").matches) find("#sessions details").open = false;
    search();
    listen();
  }
})();
