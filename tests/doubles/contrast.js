// What of a diagram is too faint for WCAG 2.2: texts below 4.5 to 1, lines below 3, on what lies
// under their middle.
(paper) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, ground) => [0, 1, 2].map((i) => top[i] * top[3] + ground[i] * (1 - top[3]));
  const linear = (part) => (part <= 10.31 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) + 0.05;
  const parts = [...document.querySelectorAll("svg *")].filter((part) => !part.closest("defs, marker"));
  const shapes = parts.filter((part) => ["rect", "polygon", "circle"].includes(part.localName));

  function groundOf(part) {
    const { left, top, width, height } = part.getBoundingClientRect();
    let ground = colour(paper).slice(0, 3);
    for (const shape of shapes) {
      const place = shape.getBoundingClientRect(), style = getComputedStyle(shape);
      const [x, y] = [left + width / 2 - place.left, top + height / 2 - place.top];
      const isUnder = shape.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!isUnder || style.fill === "none" || x < 0 || y < 0 || x > place.width || y > place.height) continue;
      const fill = colour(style.fill);
      ground = over([...fill.slice(0, 3), fill[3] * style.fillOpacity], ground);
    }
    return ground;
  }

  return parts.flatMap((part) => {
    const isText = part.localName === "text" && part.textContent.trim();
    const style = getComputedStyle((isText && part.querySelector("tspan")) || part);
    const drawn = isText ? style.fill : style.stroke;
    if (drawn === "none" || (!isText && !["line", "rect", "polygon", "circle"].includes(part.localName))) return [];
    const ground = groundOf(part);
    const [dark, bright] = [ground, over(colour(drawn), ground)].map(light).sort((a, b) => a - b);
    const faint = bright / dark < (isText ? 4.5 : 3);
    return faint ? [`${part.localName}.${part.getAttribute("class")}: ${drawn} on ${ground}`] : [];
  });
};
