// Draws the page's charts in the language the address asks for. Data and specifications stand in the page; nothing is fetched.
(() => {
  const PAPER_WIDTH = 430;
  const said = /\u27e6([^\u00a6\u27e7]*)\u00a6([^\u27e7]*)\u27e7/g;
  const config = JSON.parse(document.getElementById("chart-config").textContent);
  const charts = [...document.querySelectorAll("script[data-chart]")].map((script) => ({
    text: script.textContent,
    place: document.getElementById("chart-" + script.dataset.chart),
  }));
  const views = new Map();
  const draw = () => {
    const english = location.hash === "#en";
    document.documentElement.lang = english ? "en" : "zh-CN";
    document.title = document.documentElement.dataset[english ? "titleEn" : "titleZh"];
    for (const { text, place } of charts) {
      const translate = (value) => value.replace(said, english ? "$2" : "$1");
      const spec = JSON.parse(text, (_, value) => (typeof value === "string" ? translate(value) : value));
      place.dataset.state = "drawing";
      vegaEmbed(place, spec, { config, renderer: "svg", actions: false, ast: true, tooltip: { theme: "custom" } })
        .then(({ view }) => {
          views.set(place, view);
          // The library calls every chart a "Vega visualization"; its description is what a screen reader shall say, and nothing inside.
          place.setAttribute("role", "img");
          place.setAttribute("aria-label", translate(place.dataset.label));
          place.removeAttribute("aria-roledescription");
          place.querySelector("svg").setAttribute("aria-hidden", "true");
          place.dataset.state = "drawn";
        })
        .catch((error) => {
          place.dataset.state = "failed";
          console.error(error);
        });
    }
  };
  addEventListener("hashchange", draw);
  // On paper a chart is half a page wide: drawn anew for that, so that its words stay legible.
  addEventListener("beforeprint", () => views.forEach((view) => view.width(PAPER_WIDTH).run()));
  addEventListener("afterprint", () => dispatchEvent(new Event("resize")));
  draw();
})();
